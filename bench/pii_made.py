"""Labelled texts of our own making for bench/pii.py: personal values in forms and surroundings other than those of the
shared set, and numbers that only look alike. The same seed gives the same texts. Values follow the public numbering plans
and checksums; none is anybody's but by chance."""

import random

COUNTRIES = {  # phone formats by country: # any digit, % one to nine
    "us": ["(###) ###-####", "###-###-####", "###.###.####", "+1 ### ### ####", "+1-###-###-####", "1-###-###-####", "+1 (###) ###-####",
           "001-###-###-####", "(###)###-####", "+1.###.###.####", "###-###-####x###", "(###) ###-#### ext. ####", "+1-###-###-####x#####"],
    "gb": ["020 #### ####", "(020) #### ####", "+44 20 #### ####", "07### ######", "07#########", "+44 7### ######", "+44(0)####-######",
           "01### ######", "(01###) ######", "0800 ### ####", "+44 (0)20 #### ####"],
    "de": ["030 ########", "030/#######", "0171 #######", "+49 30 ########", "+49 (0)30 ########", "(0%##) #######", "0%### ######", "0049 30 #######",
           "+49(0)%### ######", "01512 #######", "+4917########", "089-######-0"],
    "fr": ["0% ## ## ## ##", "0%.##.##.##.##", "+33 % ## ## ## ##", "+33 (0)% ## ## ## ##", "+33%########", "0033 % ## ## ## ##", "06########"],
    "es": ["+34 6## ### ###", "+34 9## ## ## ##", "+34 #########", "0034 9## ### ###"],
    "it": ["+39 06 #######", "+39 3## #######", "06 #######", "0% ####-####", "+393#########"],
    "nl": ["0##-#######", "+31 6 ########", "+31(0)## #######", "06-########", "06 ## ## ## ##"],
    "br": ["(##) ####-####", "(##) 9####-####", "+55 ## 9####-####", "+55 (##) ####-####"],
    "in": ["+91 9#### #####", "+91-9#########", "+919#########", "0##-########"],
    "jp": ["03-####-####", "090-####-####", "+81 3-####-####", "+81-90-####-####", "0##-###-####"],
    "cn": ["+86 138 #### ####", "+86-10-########", "010-########", "+86138########"],
    "au": ["(02) #### ####", "04## ### ###", "+61 2 #### ####", "+61 4## ### ###"],
    "ru": ["+7 (###) ###-##-##", "8 (###) ###-##-##", "+7 ### ###-##-##", "8-###-###-##-##", "+7##########"],
    "pl": ["+48 ### ### ###", "+48 ## ### ## ##"],
    "se": ["+46 (0)8 ### ## ##", "08-### ### ##", "070-### ## ##", "+46 70 ### ## ##"],
    "dk": ["+45 ## ## ## ##", "+45 ########"], "no": ["+47 ### ## ###", "+47 ## ## ## ##"],
    "fi": ["+358 4# ### ####", "040 ### ####", "0#-### ####"], "ch": ["+41 ## ### ## ##", "0## ### ## ##", "044 ### ## ##"],
    "at": ["+43 1 #######", "0660 #######", "+43 (0)### ######", "01/#######"], "tr": ["+90 5## ### ## ##", "0(5##) ### ## ##", "05## ### ## ##"],
    "kr": ["02-####-####", "010-####-####", "+82 10-####-####"], "mx": ["+52 55 #### ####", "+52 1 55 #### ####"],
    "za": ["+27 8# ### ####", "08# ### ####"], "ua": ["+380 ## ### ## ##", "+380#########", "0## ### ## ##"],
    "gr": ["+30 21# #######", "+30 69########"], "il": ["+972-5#-###-####", "05#-#######"], "cz": ["+420 ### ### ###"], "hu": ["+36 1 ### ####", "+36 ## ###-####"],
    "ie": ["+353 8# ### ####", "01 ### ####"], "nz": ["+64 9 ### ####", "021 ### ####"], "pt": ["+351 9## ### ###", "+351 2# ### ####"],
}
LOCAL = ["### ####", "###-####", "#### ####", "## ## ## ##", "##-##-##-##", "### ## ###", "## ### ###", "### ### ###", "##########", "########", "#######",
         "## ####-####", "## #### ####", "### ###", "## ## ##", "#####", "######", "%## ######", "### ### ####", "## ### ## ##", "#########", "###########"]
NAMED = ["Phone: {}", "phone number {}", "Tel. {}", "tel: {}", "Mobile: {}", "Mob {}", "my cell is {}", "Fax: {}", "please call {}", "Call me at {} tonight.",
         "You can reach me on {}.", "his phone number is {}, I think", "Text me at {}!", "Telefon: {}", "Tél. : {}", "Téléphone {}", "Teléfono: {}", "móvil {}", "Tlf. {}", "Handy: {}",
         "Rufnummer {}", "Telefonnummer: {}", "电话：{}", "手机号 {}", "電話番号は{}です", "전화: {}", "Телефон: {}", "тел. {}", "contact number: {}", "WhatsApp {}", "SMS to {}",
         "ring her on {} after six", '{{"phone": "{}"}}', '{{"mobile_phone":"{}","x":1}}', "phone: {}\nname: x", "phone={}", "phoneNumber: '{}',", "- Phone | {} |", "<phone>{}</phone>",
         "{} (mobile)", "{} (home)", "{} office", "{}, fax", "Her number is {}.", "contact us: {}", "Hotline {} (24/7)", "dial {} and ask for Kim", "PHONE {}", "Phone No. {}",
         "phone number on file: {}", "**Phone**: {}", "Telefone: {}", "Cellulare: {}", "Puhelin {}", "Telefoon: {}", "📞 {}", "☎ {}", "T: {}", "Ph: {}", "M: {}"]
PLAIN = ["{}", "It was {} all along", "He wrote {} on a napkin.", "({})", "Anna, {}, Berlin", "see you! {}", "{}\n", "Ana;{};Lisbon", "id,who,contact\n7,Ana,{},x", "\"{}\"", "Support {} or by post", "Try {} / ask",
         "- {}", "the line {} is dead", "> {} wrote", "Bob <{}>", "1) {}", "Name: Li\n{}\nMain St 5", "x\\n{}\\ny", "“{}”"]
EMAILS = ["anna.smith@example.com", "ANNA@EXAMPLE.ORG", "j+news@mail.example.co.uk", "jürgen@müller.de", "o'brien@example.ie", "a_b-c@sub.domain.travel", "x@xn--bcher-kva.example", "info@例え.jp", "first.last@corp.internal",
          "1234567@qq.com", "user%tag@example.net", "d@e.io", "Foo.Bar@Some-Host.Example.COM", "me@t.co", "name@company.photography", "_svc@host.example.org", "иван@почта.рф", "\"john doe\"@example.com", "k.l@uni-köln.de"]
MAILED = ["mail {}", "Write to {}.", "<{}>", "mailto:{}", "[me](mailto:{})", "{}, please", "({})", "e-mail:{}", '{{"email":"{}"}}', "email: {}\n", "email={}&x=1", "https://example.com/?email={}&y=2", "a,{},b", "\"{}\"", "'{}'",
          "Is it {}?", "{}!", "From: Anna <{}>", "cc {}; bob", "邮箱：{}。", "{}'s inbox", "git log --author={}", "[2024-05-01 10:00:01] login {} ok", "user {} logged in", "x\\n{}\\ny", "`{}`", "**{}**", "Contact:{}", "<a href=\"mailto:{}\">", "{}:secret-inbox", "{}\tfoo"]
CARDS = [("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("644", 16), ("36", 14), ("300", 14), ("38", 14), ("3528", 16), ("3589", 16), ("62", 16), ("2131", 15), ("1800", 15), ("2200", 16)]
RARE_CARDS = [("4", 13), ("4", 19), ("6304", 12), ("5018", 12), ("6759", 13), ("5020", 18), ("6762", 16), ("62", 19), ("5893", 12), ("0604", 12), ("6390", 12)]
CARDED = ["Card: {}", "my credit card number is {}", "charge {} please", "visa {} exp 12/27", "{} 04/28 123", "payment with {}.", '{{"card":"{}"}}', "pan={}", "cc,{},12/25", "Kreditkarte {}", "tarjeta {}", "card ending? full: {}"]
IBANS = {"DE": "nnnnnnnnnnnnnnnnnn", "GB": "aaaannnnnnnnnnnnnn", "FR": "nnnnnnnnnncccccccccccnn", "NL": "aaaannnnnnnnnn", "ES": "nnnnnnnnnnnnnnnnnnnn", "IT": "annnnnnnnnncccccccccccc", "CH": "nnnnncccccccccccc", "AT": "nnnnnnnnnnnnnnnn",
         "BE": "nnnnnnnnnnnn", "NO": "nnnnnnnnnnn", "PL": "nnnnnnnnnnnnnnnnnnnnnnnn", "MT": "aaaannnnncccccccccccccccccc", "SA": "nncccccccccccccccccc", "TR": "nnnnnncccccccccccccccc", "BR": "nnnnnnnnnnnnnnnnnnnnnnnac", "SE": "nnnnnnnnnnnnnnnnnnnn",
         "LC": "aaaacccccccccccccccccccccccc", "AE": "nnnnnnnnnnnnnnnnnnn", "IE": "aaaannnnnnnnnnnnnn", "FI": "nnnnnnnnnnnnnn"}
BANKED = ["IBAN {}", "iban: {}", "Please pay to {} by Friday", "{}", "({})", "account {} at the bank", '{{"iban":"{}"}}', "Konto: {}.", "transfer to {} and tell me", "iban={}&bic=X"]
IPS4 = ["%#.%#.%#.%#", "1##.%#.%.#", "192.168.%.%#", "10.%.%.%#", "203.0.113.%#", "8.8.8.8", "172.16.%.%"]
ADDRESSED = ["{}", "from {} port 22", "ping {}", "http://{}/x", "http://{}:8080/", "{}:443", "{}/24", "[{}]", "ip={}", '{{"ip":"{}"}}', "Connection from {}: refused", "{} - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200", "server at {}, please", "ssh root@{}", "(IP {})",
             "host/{}:9000", "IP:{}", "{}.", "client {} connected", "2024-05-01T10:00:00Z {} GET"]
IPS6 = ["2001:db8::%", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "fe80::1ff:fe23:4567:890a", "fe80::1%eth0", "::ffff:192.0.2.128", "2a00:1450:4001:81b::200e", "fd12:3456:789a:1::1", "2001:DB8:0:0:8:800:200C:417A", "64:ff9b::192.0.2.33", "d80:e4b5:79da:6cf6:71f3:51f7:9161:c319",
        "2606:4700:4700::1111", "ff02::1:ff00:0", "2001:db8:1:2:3:4:5::"]
ADDRESSED6 = ["{}", "from {} port 22", "ping6 {}", "http://[{}]/x", "[{}]:443", "{}/64", "ip={}", '{{"ip":"{}"}}', "addr:{}", "inet6 {} scope global", "Client {}: timeout", "{}, please", "IPv6 {}."]
SSNED = ["SSN: {}", "his social security number is {}", "ssn={}", '{{"ssn":"{}"}}', "Social Security No. {}", "SSN {} (last verified)", "{} is my SSN", "SS# {}"]

NEAR_MISSES = """Released on 2024-05-17 at 12:30:45 | 12.05.2023 to 13.06.2023 | 05/17/2024 10:15 | 2024-05-17T12:30:45.123456Z | 20240517 | 2019-2023 | 1715949045 | 1715949045123 | 1715949045123456789
version 1.2.3.4 | v10.0.19041.1 | Chrome/120.0.0.0 Safari/537.36 | upgrade to 2.14.0.1 | see section 3.2.1.4 | 1.2.3.4.5 | pkg==1.2.3.4 | lib-1.2.3.4.tar.gz | 1.3.6.1.4.1.311 | 127.0.0.1:8080 | 0.0.0.0 | ::1 | 255.255.255.0 | release 4.18.2.1
std::vector<int> | a::b::c | face::bead() | x::y | dead::beef::cafe | 12:30:45 | 00:1A:2B:3C:4D:5E | 00:11:22:33:44:55:66:77 | SHA256:ab:cd:ef:01:23:45:67:89 | Foo::Bar::Baz.new | crate::a::b | ::before | 10:20:30:40
order #4532-8841 | order 12345678 | invoice 2024-0012345 | ticket 555-1234567 | tracking 1Z999AA10123456784 | tracking number 9400 1000 0000 0000 0000 00 | ISBN 978-3-16-148410-0 | ISBN 0-306-40615-2 | ISSN 1234-5678 | EAN 4006381333931 | SKU 123-456-789 | part no. 12-3456-789
$1,234,567.89 | € 1.234.567 | 1 234 567 EUR | 123 456 789 users | 12,345,678 rows | 1000000 bytes | 37.7749, -122.4194 | 52.520008 13.404954 | lat 40.712776 lon -74.005974 | 3.14159265358979 | 0.4111111111111111 | 1e-7 | -12345678
550e8400-e29b-41d4-a716-446655440000 | 12345678-1234-1234-1234-123456789012 | d41d8cd98f00b204e9800998ecf8427e | 3f786850e387550fdab836ed7e6dc881de23001b | 0x7fff5fbff8c0 | #ff00ff | deadbeef12345678 | sess_01HZX3 | req-8841-2231-9917
git@github.com:org/repo.git | icon@2x.png | react@18.2.0 | @types/node@20.1.0 | user@localhost | foo@bar.method() | getty@tty1.service | @decorator.setter | a @ b . c | left-pad@latest | https://user:pass@host.example/x | twitter @someone.else
4111 1111 1111 1112 | 1234 5678 9012 3456 | 5500000000000005 | card ending in 4242 | 0000 0000 0000 0000 | 9999999999999999 | id 4532015112830367 | 490154203237518
000-12-3456 | 666-12-3456 | 123-00-4567 | 123-45-0000 | order 123-45-6789 | 12-345-6789 | 123-456-789 | 123-45-67890 | 1123-45-6789
GB82 WEST 1234 5698 7654 33 | DE88370400440532013000 | AB12CD34EF56GH78IJ90 | US64SVBKUS6S3300958879
pages 123-145 | room 1234 | 10-20 people | 24/7 | 9-5 | 50/50 | 1/2 3/4 | 2 x 4 | 100 200 300 400 | 1 2 3 4 5 6 7 8 | 01 02 03 04 05 06 07 08 09 0a | 4-6-5 | score 21-14 | 7-eleven | 90210 | 90210-1234 | zip 10115 | 3 1/2 | H2O2 | 802.11 | RFC 2616 | IPv4 | 1920x1080 | 16:9
port 5432 | pid 12345 | line 1234567 | error 0x80070005 | exit code 137 | commit 1234567 | build 20240517.3 | issue 12345678 | PR #1234567 | id: 1234567890 | user_id=123456789 | account 12345678 | customer no 00123456 | employee 0012345678 | batch 2024-05-17-0001 | lot 0123-4567 | VIN 1HGCM82633A004352 | driver's license number is 425700624
10.1038/s41586-020-2649-2 | arXiv:2106.01345 | PMID 12345678 | doi 10.1000/182 | vol. 12 (34), 123-145 | Nature 585, 357-362 (2020) | 45(6) 789-012 | CVE-2021-44228 | ISO 8601-1:2019 | ASTM D1234-56 | AS/NZS 1234:2020
timeout 30000 ms | 128000 tokens | 100 000 home owners | 1 000 000 mobile users | 2,147,483,647 | 9007199254740991 | 18446744073709551615 | [1, 22, 333, 4444, 55555] | 192 168 1 1 | 12 34 56 78 90 | 0 1 1 2 3 5 8 13 21 | 3306:3306 | 8080:80 | 00:00:10.500 | 1h 20m 33s"""


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def fill(self, form):
        return "".join(self.r.choice("0123456789") if c == "#" else self.r.choice("23456789") if c == "%" else c for c in form)

    def phone(self, strong):
        if not strong:
            return self.fill(self.r.choice(LOCAL))
        return self.fill(self.r.choice(COUNTRIES[self.r.choice(list(COUNTRIES))]))

    def card(self, kinds):
        prefix, n = self.r.choice(kinds)
        d = prefix + "".join(self.r.choice("0123456789") for _ in range(n - len(prefix) - 1))
        total = sum(sum(divmod(2 * int(c), 10)) if i % 2 == 0 else int(c) for i, c in enumerate(reversed(d)))
        d += str(-total % 10)
        cuts = {16: [4, 8, 12], 15: [4, 10], 14: [4, 10]}.get(n)
        sign = self.r.choice(["", "", " ", "-"])
        if not cuts or not sign:
            return d
        return sign.join(d[a:b] for a, b in zip([0, *cuts], [*cuts, n]))

    def iban(self):
        country = self.r.choice(list(IBANS))
        pick = {"n": "0123456789", "a": "ABCDEFGHJKLMNPQRSTUVWXYZ", "c": "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"}
        body = "".join(self.r.choice(pick[c]) for c in IBANS[country])
        check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
        whole = f"{country}{check:02}{body}"
        form = self.r.randrange(4)
        if form == 1:
            return " ".join(whole[i:i + 4] for i in range(0, len(whole), 4))
        return whole.lower() if form == 2 else "-".join(whole[i:i + 4] for i in range(0, len(whole), 4)) if form == 3 and self.r.random() < 0.3 else whole

    def ssn(self):
        while True:
            area = self.r.randrange(1, 900)
            if area != 666:
                break
        return f"{area:03}", f"{self.r.randrange(1, 100):02}", f"{self.r.randrange(1, 10000):04}"

    def ipv4(self):
        if self.r.random() < 0.5:
            return ".".join(str(self.r.randrange(low, 255)) for low in (128, 1, 1, 1))
        return self.fill(self.r.choice(IPS4))

    def ipv6(self):
        if self.r.random() < 0.3:
            return ":".join(f"{self.r.randrange(65536):x}" for _ in range(8))
        form = self.r.choice(IPS6)
        return form if "%e" in form else self.fill(form)

    def case(self, kind):
        r = self.r
        if kind == "phone":
            strong = r.random() < 0.65
            value = self.phone(strong)
            frame = r.choice(NAMED if not strong or r.random() < 0.5 else PLAIN)
        elif kind == "email":
            value, frame = r.choice(EMAILS), r.choice(MAILED)
        elif kind == "credit_card":
            rare = r.random() < 0.2
            value, frame = self.card(RARE_CARDS if rare else CARDS), r.choice(CARDED if rare or r.random() < 0.6 else PLAIN)
        elif kind == "iban":
            value, frame = self.iban(), r.choice(BANKED)
        elif kind == "ssn":
            sign = r.choice("---- ." + "\0")
            value, frame = "".join(self.ssn()) if sign == "\0" else sign.join(self.ssn()), r.choice(SSNED if sign != "-" or r.random() < 0.6 else PLAIN)
        elif r.random() < 0.5:
            kind, value, frame = "ip", self.ipv4(), r.choice(ADDRESSED)
            if len(value) < 9 and not value.startswith(("10.", "192.168", "172.16", "8.8")):
                frame = "ping {}"
        else:
            kind, value, frame = "ip", self.ipv6(), r.choice(ADDRESSED6)
        text = frame.format(value)
        if r.random() < 0.15 and kind != "email":
            text = text.lower()
            value = value.lower()
        start = text.index(value)
        return text, [(start, start + len(value), kind)]


def misses():
    return [(t.strip(), []) for line in NEAR_MISSES.splitlines() for t in line.split(" | ")]


def cases(n, seed=5):
    maker = Maker(seed)
    kinds = ["phone", "phone", "email", "credit_card", "iban", "ssn", "ip"]
    return [maker.case(kinds[i % len(kinds)]) for i in range(n)]

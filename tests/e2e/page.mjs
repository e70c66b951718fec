// Opens a page in Debian's chromium: node page.mjs URL WIDTH SCHEME [SCREENSHOT]. Prints what is on it as JSON.
import { createRequire } from "node:module";
const { chromium } = createRequire(process.env.NODE_MODULES + "/")("playwright-core");

const [url, width, colorScheme, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: Number(width), height: 900 }, colorScheme });
const errors = [];
const asked = [];
page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
page.on("pageerror", (e) => errors.push(String(e)));
page.on("request", (r) => asked.push(r.url()));
await page.goto(url, { waitUntil: "load" });
await page.locator("details").first().locator("summary").click();
const found = await page.evaluate(() => ({
  operations: [...document.querySelectorAll("summary code")].map((e) => e.textContent),
  open: document.querySelectorAll("details[open]").length,
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  background: getComputedStyle(document.documentElement).colorScheme,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
}));
if (screenshot) await page.screenshot({ path: screenshot });
await browser.close();
console.log(JSON.stringify({ ...found, errors, asked }));

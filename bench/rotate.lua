-- wrk: GET the paths of the file named by $PATHS in turn, so that no single record is asked for all the time.
local requests, at = {}, 0

function init()
    for path in io.lines(os.getenv("PATHS")) do
        requests[#requests + 1] = wrk.format("GET", path)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

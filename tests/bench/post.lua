-- SPDX-License-Identifier: GPL-2.0-or-later
-- wrk: posts the file named by the argument, counts what is not a good answer.
local bad

function init(args)
	local f = assert(io.open(args[1]))
	wrk.method = "POST"
	wrk.body = f:read("*a")
	wrk.headers["Content-Type"] = 'application/xml; charset="utf-8"'
	wrk.headers["CIMOperation"] = "MethodCall"
	f:close()
	bad = 0
end

function response(status, headers, body)
	if status ~= 200 or body:find("<ERROR ", 1, true) then
		wrk.thread:stop()
	end
end

-- SPDX-License-Identifier: GPL-2.0-or-later
-- wrk: posts the files named by the arguments, one after the other.
local requests, at = {}, 0

function init(args)
	for i = 1, #args do
		local f = assert(io.open(args[i]))
		requests[i] = wrk.format("POST", nil, {
			["Content-Type"] = 'application/xml; charset="utf-8"',
			["CIMOperation"] = "MethodCall",
			["Host"] = "localhost"
		}, f:read("*a"))
		f:close()
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

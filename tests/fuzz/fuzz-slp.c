// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz-slp.c - a datagram to the SLP service agent. The first byte says how it came. An answer has the
 * length that it says, repeats the number of the request, and is never one for many when it is an
 * error.
 */
#include "fuzz.h"
#include "slp/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct slp_service service = {
		.urls = { "https://10.0.0.1:5989", "http://10.0.0.1:5988" },
		.attributes = "(template-type=wbem),(template-version=1.0),(service-id=a\\2cb c),"
			      "(RegisteredProfilesSupported=SNIA:Server,SNIA:Array)",
		.address = "10.0.0.1",
		.lifetime_s = 10800,
	};
	uint8_t out[SLP_MAX_BYTES];
	bool multicast;
	uint8_t *in;
	size_t n;

	if (!len)
		return 0;
	multicast = data[0] & 1;
	in = (uint8_t *)fuzz_text(data + 1, len - 1);
	n = slp_answer(&service, in, len - 1, multicast, out);
	must(n <= sizeof(out), "an answer that is too long");
	if (n) {
		size_t error_at = 14 + (size_t)(out[12] << 8 | out[13]); /* behind the language */

		must(n >= error_at + 4 && (size_t)(out[3] << 8 | out[4]) == n,
		     "a length that is wrong");
		must(!memcmp(out + 10, in + 10, 2), "another number");
		must(!multicast || out[1] == 11 || !(out[error_at] | out[error_at + 1]),
		     "an error for many");
	}
	free(in);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* test-cimxml.c - the request decoder, bad bodies above all, and the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "cim/class.h"
#include "cimxml/decode.h"
#include "cimxml/write.h"

#define XML_DECL "<?xml version=\"1.0\"?>"
#define HEAD	 XML_DECL "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\">"
#define MSG	 HEAD "<MESSAGE ID=\"7\" PROTOCOLVERSION=\"1.0\"><SIMPLEREQ>"
#define TAIL	 "</SIMPLEREQ></MESSAGE></CIM>"
#define NS \
	"<LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"/><NAMESPACE NAME=\"x\"/></LOCALNAMESPACEPATH>"
#define ICALL(name, params) MSG "<IMETHODCALL NAME=\"" name "\">" NS params "</IMETHODCALL>" TAIL
#define IPARAM(name, value) "<IPARAMVALUE NAME=\"" name "\">" value "</IPARAMVALUE>"

static struct arena arena;
static struct cim_request req;
static const char *id;

static struct cimxml_refusal decode_bytes(const char *body, size_t len)
{
	struct cimxml_refusal refusal;

	arena_done(&arena);
	memset(&req, 0, sizeof(req));
	req.arena = &arena;
	cimxml_decode(body, len, &req, &id, &refusal);
	return refusal;
}

static struct cimxml_refusal decode(const char *body)
{
	return decode_bytes(body, strlen(body));
}

static struct cim_inst *decode_instance(const char *xml, const char **why)
{
	const struct cim_request of = { .arena = &arena };

	return cimxml_decode_instance(&of, xml, why);
}

static void refused(const char *body, int http, const char *cimerror)
{
	struct cimxml_refusal r = decode(body);

	if (r.http != http)
		print_error("%.200s: %d %s\n", body, r.http, r.why);
	assert_int_equal(r.http, http);
	assert_string_equal(r.cimerror, cimerror);
	assert_true(strlen(r.why) > 5);
}

static void accepted(const char *body)
{
	struct cimxml_refusal r = decode(body);

	if (r.http)
		print_error("%s\n", r.why);
	assert_int_equal(r.http, 0);
}

static int done(void **state)
{
	(void)state;
	arena_done(&arena);
	xmlCleanupParser();
	return 0;
}

static void get_class(void **state)
{
	(void)state;
	accepted(ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME NAME=\"C\"/>")
					   IPARAM("LocalOnly", "<VALUE>false</VALUE>") IPARAM(
						   "PropertyList",
						   "<VALUE.ARRAY><VALUE>a</VALUE></VALUE.ARRAY>")));
	assert_int_equal(req.op, CIM_OP_GET_CLASS);
	assert_string_equal(id, "7");
	assert_string_equal(req.ns, "root/x");
	assert_string_equal(req.class, "C");
	assert_false(req.local_only);
	assert_true(req.quals);
	assert_true(req.has_props);
	assert_int_equal(req.n_props, 1);
	assert_null(req.error);
}

static void defaults(void **state)
{
	(void)state;
	accepted(ICALL("EnumerateInstances", IPARAM("ClassName", "<CLASSNAME NAME=\"C\"/>")));
	assert_true(req.deep);
	assert_false(req.quals);
	assert_false(req.has_props);
	accepted(ICALL("EnumerateClasses", ""));
	assert_false(req.deep);
	assert_true(req.local_only);
	/* NULL parameters */
	accepted(ICALL("EnumerateClasses", "<IPARAMVALUE NAME=\"ClassName\"/>"));
	assert_null(req.class);
}

static void open_parameters(void **state)
{
	(void)state;
	accepted(ICALL("OpenAssociatorInstances",
		       IPARAM("InstanceName", "<INSTANCENAME CLASSNAME=\"C\"/>")
			       IPARAM("OperationTimeout", "<VALUE>0</VALUE>")
				       IPARAM("MaxObjectCount", "<VALUE>4294967295</VALUE>")
					       IPARAM("FilterQuery", "<VALUE>a</VALUE>")));
	assert_int_equal(req.op, CIM_OP_OPEN_ASSOCIATORS);
	assert_null(req.error);
	assert_true(req.timeout_s.given && req.timeout_s.v == 0);
	assert_true(req.max_objects.given && req.max_objects.v == UINT32_MAX);
	assert_string_equal(req.filter, "a");
	assert_null(req.filter_language);
	accepted(ICALL("PullInstancePaths", "<IPARAMVALUE NAME=\"MaxObjectCount\"/>"));
	assert_false(req.max_objects.given);
}

/* However a text is written: in pieces, with references, with comments; attributes too. */
static void texts(void **state)
{
	(void)state;
#define QUERY(text)                                                    \
	ICALL("ExecQuery", IPARAM("QueryLanguage", "<VALUE>L</VALUE>") \
				   IPARAM("Query", "<VALUE>" text "</VALUE>"))
	accepted(QUERY("a&lt;b&#65;&#x20ac;<![CDATA[<c>&amp;]]>d<!-- no -->e\n <?no no?>"));
	assert_string_equal(req.filter, "a<bA\xe2\x82\xac<c>&amp;de\n ");
	accepted(QUERY(""));
	assert_string_equal(req.filter, "");
	accepted(QUERY(" "));
	assert_string_equal(req.filter, " ");
	accepted(QUERY("<![CDATA[]]>"));
	assert_string_equal(req.filter, "");
	refused(QUERY("a<B/>"), 400, "request-not-loosely-valid");
	refused(QUERY("a&unknown;"), 400, "request-not-well-formed");

	accepted(ICALL("GetClass",
		       IPARAM("ClassName", "<CLASSNAME NAME=\"a&amp;&quot;&#65;\n\tb\"/>")));
	assert_string_equal(req.class, "a&\"A  b");
	accepted(ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME NAME=\"\"/>")));
	assert_string_equal(req.class, "");
	/* an attribute of another namespace is another attribute */
	accepted(ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME xmlns:x=\"u\" x:NAME=\"no\" "
						       "NAME=\"C\"/>")));
	assert_string_equal(req.class, "C");
	refused(ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME xmlns:x=\"u\" x:NAME=\"no\"/>")),
		400, "request-not-loosely-valid");
	refused(ICALL("GetClass",
		      IPARAM("ClassName", "<x:CLASSNAME xmlns:x=\"u\" NAME=\"C\"/><y>")),
		400, "request-not-well-formed");
	refused(ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME NAME=\"a&unknown;\"/>")), 400,
		"request-not-well-formed");
}

static void parameter_errors(void **state)
{
	static const char *const bodies[] = {
		ICALL("GetClass", IPARAM("Bogus", "<VALUE>x</VALUE>")),
		ICALL("GetClass", IPARAM("Role", "<VALUE>x</VALUE>")),
		ICALL("GetClass", IPARAM("LocalOnly", "<VALUE>maybe</VALUE>")),
		ICALL("GetClass", IPARAM("LocalOnly", "<VALUE.ARRAY></VALUE.ARRAY>")),
		ICALL("GetClass", IPARAM("PropertyList", "<VALUE>x</VALUE>")),
		ICALL("GetClass", IPARAM("ClassName", "<VALUE>x</VALUE>")),
		ICALL("GetInstance", IPARAM("InstanceName", "<CLASSNAME NAME=\"a\"/>")),
		ICALL("PullInstances", IPARAM("MaxObjectCount", "<VALUE>-1</VALUE>")),
		ICALL("PullInstances", IPARAM("MaxObjectCount", "<VALUE>4294967296</VALUE>")),
		ICALL("PullInstances", IPARAM("OperationTimeout", "<VALUE>1</VALUE>")),
		ICALL("OpenReferenceInstances", IPARAM("ResultRole", "<VALUE>1</VALUE>")),
		ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME NAME=\"a\"/>")
					  IPARAM("ClassName", "<CLASSNAME NAME=\"a\"/>")),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		accepted(bodies[i]);
		assert_non_null(req.error);
	}
}

/* All forms of DSP0201, keys with and without TYPE, names and VALUETYPE. */
static void key_forms(void **state)
{
	(void)state;
	accepted(
		ICALL("GetInstance",
		      IPARAM("InstanceName",
			     "<INSTANCENAME CLASSNAME=\"C\">"
			     "<KEYBINDING NAME=\"a\"><KEYVALUE>s</KEYVALUE></KEYBINDING>"
			     "<KEYBINDING NAME=\"b\"><KEYVALUE VALUETYPE=\"numeric\" "
			     "TYPE=\"uint32\">5</KEYVALUE></KEYBINDING>"
			     "<KEYBINDING NAME=\"c\"><VALUE.REFERENCE><INSTANCEPATH><NAMESPACEPATH>"
			     "<HOST>h</HOST>" NS "</NAMESPACEPATH><INSTANCENAME CLASSNAME=\"D\"/>"
			     "</INSTANCEPATH></VALUE.REFERENCE></KEYBINDING></INSTANCENAME>")));
	assert_int_equal(req.path->n_keys, 3);
	assert_string_equal(cim_path_key(req.path, "a"), "s");
	assert_string_equal(cim_path_key(req.path, "b"), "5");
	assert_string_equal(cim_path_key_ref(req.path, "c")->host, "h");
	assert_string_equal(cim_path_key_ref(req.path, "c")->ns, "root/x");
	accepted(ICALL("GetInstance",
		       IPARAM("InstanceName", "<INSTANCENAME CLASSNAME=\"C\">"
					      "<KEYVALUE>only</KEYVALUE></INSTANCENAME>")));
	assert_string_equal(cim_path_key(req.path, ""), "only");
	accepted(ICALL("Associators", IPARAM("ObjectName", "<CLASSNAME NAME=\"C\"/>")));
	assert_string_equal(req.class, "C");
	assert_null(req.path);
}

#define METHOD(params)                                      \
	MSG "<METHODCALL NAME=\"M\"><LOCALINSTANCEPATH>" NS \
	    "<INSTANCENAME CLASSNAME=\"C\"/></LOCALINSTANCEPATH>" params "</METHODCALL>" TAIL

static void method_parameters(void **state)
{
	(void)state;
	accepted(METHOD(
		"<PARAMVALUE NAME=\"a\" PARAMTYPE=\"uint16\"><VALUE>5</VALUE></PARAMVALUE>"
		"<PARAMVALUE NAME=\"b\"><VALUE.ARRAY><VALUE>x</VALUE><VALUE.NULL/></VALUE.ARRAY>"
		"</PARAMVALUE><PARAMVALUE NAME=\"n\" PARAMTYPE=\"string\"/>"
		"<PARAMVALUE NAME=\"r\" PARAMTYPE=\"reference\"><VALUE.REFARRAY><VALUE.REFERENCE>"
		"<LOCALINSTANCEPATH>" NS "<INSTANCENAME CLASSNAME=\"D\"/></LOCALINSTANCEPATH>"
		"</VALUE.REFERENCE></VALUE.REFARRAY></PARAMVALUE>"
		"<PARAMVALUE NAME=\"e\" PARAMTYPE=\"string\" EmbeddedObject=\"instance\"><VALUE>"
		"&lt;INSTANCE CLASSNAME=\"E\"&gt;&lt;PROPERTY NAME=\"p\" TYPE=\"string\"&gt;"
		"&lt;VALUE&gt;a &amp;amp; b&lt;/VALUE&gt;&lt;/PROPERTY&gt;&lt;/INSTANCE&gt;</VALUE>"
		"</PARAMVALUE>"));
	assert_int_equal(req.op, CIM_OP_INVOKE);
	assert_int_equal(req.n_params, 5);
	assert_int_equal(req.params[0].claimed, CIM_UINT16);
	assert_int_equal(req.params[1].val.n, 2);
	assert_true(req.params[1].val.v[1].null);
	assert_true(req.params[2].val.null);
	assert_int_equal(req.params[3].val.type, CIM_REFERENCE);
	assert_string_equal(req.params[4].val.d.inst->class, "E");
	assert_int_equal(req.params[4].val.d.inst->props[0].val.claimed, CIM_STRING);
	assert_string_equal(cim_get(req.params[4].val.d.inst, "P")->d.str, "a & b");
}

static void not_well_formed(void **state)
{
	static const char *const bodies[] = {
		"",
		"x",
		"<",
		"<CIM",
		"<?xml version=\"1.0\"?>",
		MSG,
		MSG "<IMETHODCALL></X>",
		"<CIM><a:b/>",
		"<CIM><a:b/></CIM",
		ICALL("GetClass", "") "<x/>",
		ICALL("GetClass", "") "text",
		ICALL("GetClass", IPARAM("ClassName", "&undefined;")),
		"<!DOCTYPE CIM>" ICALL("GetClass", ""),
		"<?xml version=\"1.0\"?><!DOCTYPE CIM [<!ENTITY a \"b\">]><CIM>&a;</CIM>",
		"<?xml version=\"1.0\"?><!DOCTYPE CIM SYSTEM \"file:///etc/passwd\"><CIM/>",
		"<?xml version=\"1.0\" encoding=\"none-such\"?><CIM/>",
		"\xff\xfe<\0C\0",
		HEAD "<MESSAGE ID=\"\x01\"/></CIM>",
		HEAD "<MESSAGE ID=\"\xff\"/></CIM>",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		refused(bodies[i], 400, "request-not-well-formed");
}

static void not_valid(void **state)
{
	static const char *const bodies[] = {
		"<X/>",
		"<CIM/>",
		HEAD "</CIM>",
		HEAD "<MESSAGE/></CIM>",
		HEAD "<MESSAGE ID=\"1\" PROTOCOLVERSION=\"1.0\"/></CIM>",
		MSG TAIL,
		MSG "<IMETHODCALL NAME=\"GetClass\"/>" TAIL,
		MSG "<IMETHODCALL>" NS "</IMETHODCALL>" TAIL,
		MSG "<METHODCALL NAME=\"M\"/>" TAIL,
		MSG "text" TAIL,
		METHOD("<PARAMVALUE><VALUE>x</VALUE></PARAMVALUE>"),
		METHOD("<PARAMVALUE NAME=\"a\" PARAMTYPE=\"none\"><VALUE>x</VALUE></PARAMVALUE>"),
		METHOD("<PARAMVALUE NAME=\"a\"><VALUE>x</VALUE><VALUE>y</VALUE></PARAMVALUE>"),
		METHOD("<PARAMVALUE NAME=\"a\"><VALUE.REFERENCE/></PARAMVALUE>"),
		ICALL("ModifyInstance",
		      IPARAM("ModifiedInstance",
			     "<VALUE.NAMEDINSTANCE><INSTANCENAME CLASSNAME=\"C\"/>"
			     "<INSTANCE CLASSNAME=\"C\"><PROPERTY NAME=\"p\" TYPE=\"none\"/>"
			     "</INSTANCE></VALUE.NAMEDINSTANCE>")),
		METHOD("<X/>"),
		ICALL("GetInstance", IPARAM("InstanceName", "<INSTANCENAME/>")),
		ICALL("GetInstance",
		      IPARAM("InstanceName", "<INSTANCENAME CLASSNAME=\"C\">"
					     "<KEYBINDING NAME=\"a\"/></INSTANCENAME>")),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		refused(bodies[i], 400, "request-not-loosely-valid");
}

static void versions(void **state)
{
	(void)state;
	refused("<CIM CIMVERSION=\"3.0\" DTDVERSION=\"2.0\"/>", 501, "unsupported-cim-version");
	refused("<CIM CIMVERSION=\"2.0\" DTDVERSION=\"1.0\"/>", 501, "unsupported-dtd-version");
	refused(HEAD "<MESSAGE ID=\"1\" PROTOCOLVERSION=\"2.0\"/></CIM>", 501,
		"unsupported-protocol-version");
	refused(HEAD "<MESSAGE ID=\"1\" PROTOCOLVERSION=\"1.0\"><MULTIREQ/></MESSAGE></CIM>", 501,
		"multiple-requests-unsupported");
}

static char *repeated(const char *before, const char *text, size_t n, const char *after)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, before);
	for (size_t i = 0; i < n; i++)
		strbuf_puts(&b, text);
	strbuf_puts(&b, after);
	return strbuf_take(&b);
}

static void accepted_query(char *body, const char *begin, size_t len)
{
	accepted(body);
	assert_int_equal(strlen(req.filter), len);
	assert_memory_equal(req.filter, begin, strlen(begin));
	free(body);
}

#define QUERY_HEAD                                        \
	MSG "<IMETHODCALL NAME=\"ExecQuery\">" NS IPARAM( \
		"QueryLanguage", "<VALUE>L</VALUE>") "<IPARAMVALUE NAME=\"Query\"><VALUE>"
#define QUERY_TAIL "</VALUE></IPARAMVALUE></IMETHODCALL>" TAIL

/* The parser is fed in pieces: where they end says nothing; what is long and no tag is read. */
static void long_texts(void **state)
{
	static const char *const begin[] = { "", "a", "aa", "aaa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(begin); i++) {
		CLEANUP_FREE char *plain = xasprintf(QUERY_HEAD "%s", begin[i]);
		CLEANUP_FREE char *cdata = xasprintf(QUERY_HEAD "<![CDATA[%s", begin[i]);
		size_t n = strlen(begin[i]);

		accepted_query(repeated(plain, "\xe2\x82\xac", 30000, QUERY_TAIL), begin[i],
			       n + 90000);
		accepted_query(repeated(plain, "&lt;", 60000, QUERY_TAIL), begin[i], n + 60000);
		accepted_query(repeated(cdata, "\xe2\x82\xac", 30000, "]]>" QUERY_TAIL), begin[i],
			       n + 90000);
		accepted_query(repeated(cdata, "]]", 60000, "]]>" QUERY_TAIL), begin[i],
			       n + 120000);
		accepted_query(repeated(cdata, "<a>", 60000, "]]>" QUERY_TAIL), begin[i],
			       n + 180000);
		accepted_query(repeated(plain, "<!-- x -->", 30000, QUERY_TAIL), begin[i], n);
	}
	accepted_query(repeated(QUERY_HEAD "q<!--", "x", 100000, "-->" QUERY_TAIL), "q", 1);
	accepted_query(repeated(QUERY_HEAD "q<?pi ", "x", 100000, "?>" QUERY_TAIL), "q", 1);
	accepted_query(repeated(QUERY_HEAD "q" QUERY_TAIL, " ", 100000, ""), "q", 1);
}

static size_t count(const char *s, char c)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

/* All ends of lines are one character, wherever the parser's pieces end. */
static void ends_of_lines(void **state)
{
	static const char *const begin[] = { "", "a", "aa", "aaa" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(begin); i++) {
		CLEANUP_FREE char *plain = xasprintf(QUERY_HEAD "%s", begin[i]);
		CLEANUP_FREE char *cdata = xasprintf(QUERY_HEAD "<![CDATA[%s", begin[i]);
		char *body[] = {
			repeated(plain, "\r\n", 7000, QUERY_TAIL),
			repeated(cdata, "\r\n", 7000, "]]>" QUERY_TAIL),
			repeated(cdata, "\rx\n", 3500, "]]>" QUERY_TAIL),
			repeated(cdata, "\r\r", 3500, "]]>" QUERY_TAIL),
		};
		CLEANUP_FREE char *wide = xcalloc(2, 2 + strlen(body[0]));
		size_t n = 0;

		for (const char *s = body[0] + strlen(XML_DECL); *s; s++, n += 2)
			wide[2 + n] = *s;
		wide[0] = '\xff';
		wide[1] = '\xfe';
		assert_int_equal(decode_bytes(wide, 2 + n).http, 0);
		assert_int_equal(count(req.filter, '\n'), 7000);
		for (size_t k = 0; k < ARRAY_LEN(body); k++) {
			accepted(body[k]);
			assert_int_equal(count(req.filter, '\n'), 7000);
			assert_int_equal(count(req.filter, '\r'), 0);
			free(body[k]);
		}
	}
	/* the second begins anew */
	accepted(QUERY_HEAD "<![CDATA[a\r]]><![CDATA[\nb]]>" QUERY_TAIL);
	assert_string_equal(req.filter, "a\n\nb");
}

/* What an instruction to the parser makes it keep is gone with the request (LeakSanitizer). */
static void catalogs(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		accepted("<?xml version=\"1.0\"?><?oasis-xml-catalog catalog=\"file:///none\"?>"
			 "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"1\" "
			 "PROTOCOLVERSION=\"1.0\"><SIMPLEREQ><IMETHODCALL NAME=\"GetClass\">" NS
			 "</IMETHODCALL></SIMPLEREQ></MESSAGE></CIM>");
}

/* The text is decoded as it says, all of it: where libxml2 noticed did depend on luck. */
static void declared_encoding(void **state)
{
	const char *before = strstr(QUERY_HEAD, "?>") + 2;

	(void)state;
	for (size_t n = 20000; n < 60000; n += 400) {
		CLEANUP_FREE char *head =
			xasprintf("<?xml version=\"1.0\" encoding=\"windows-1252\"?>%s", before);

		accepted_query(repeated(head, "\x80", n, QUERY_TAIL), "\xe2\x82\xac", 3 * n);
	}
}

/* Encodings that the text itself names, again and again: one parser serves many requests. */
static void encodings(void **state)
{
	static const char ascii[] =
		ICALL("GetClass", IPARAM("ClassName", "<CLASSNAME NAME=\"C\"/>"));
	char wide[2][2 * sizeof(ascii)], marked[3 + sizeof(ascii)];
	size_t head = strlen(XML_DECL), n = sizeof(ascii) - 1 - head;

	(void)state;
	for (size_t i = 0; i <= n; i++) {
		const char c = i ? ascii[head + i - 1] : 0;

		wide[0][2 * i] = i ? c : '\xff';
		wide[0][2 * i + 1] = i ? 0 : '\xfe';
		wide[1][2 * i] = i ? 0 : '\xfe';
		wide[1][2 * i + 1] = i ? c : '\xff';
	}
	memcpy(marked, "\xef\xbb\xbf", 3);
	memcpy(marked + 3, ascii, sizeof(ascii));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 2; i++) {
			assert_int_equal(decode_bytes(wide[i], 2 * (n + 1)).http, 0);
			assert_string_equal(req.class, "C");
		}
		accepted(marked);
		accepted(ascii);
		assert_string_equal(req.class, "C");
		accepted("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>"
			 "<CIM CIMVERSION=\"2.0\" DTDVERSION=\"2.0\"><MESSAGE ID=\"\xe9\" "
			 "PROTOCOLVERSION=\"1.0\"><SIMPLEREQ><IMETHODCALL NAME=\"GetClass\">" NS
			 "</IMETHODCALL></SIMPLEREQ></MESSAGE></CIM>");
		assert_string_equal(id, "\xc3\xa9");
	}
}

/* libxml2 would look at each of them for each other one. */
static void refused_soon(char *body)
{
	const clock_t begin = clock();

	refused(body, 400, "request-not-loosely-valid");
	assert_in_range((clock() - begin) / CLOCKS_PER_SEC, 0, 1);
	free(body);
}

static char *numbered(const char *before, const char *format, int nr, const char *after)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, before);
	for (int i = 0; i < nr; i++) {
		char one[40];

		snprintf(one, sizeof(one), format, i, i);
		strbuf_puts(&b, one);
	}
	strbuf_puts(&b, after);
	return strbuf_take(&b);
}

/* A few in each of many elements, and then many that look for them. */
static char *namespaces(void)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_puts(&b, "<CIM>");
	for (int i = 0; i < 3000; i++)
		strbuf_printf(&b, "<a xmlns:a%d=\"u\" xmlns:b%d=\"u\"/>", i, i);
	for (int i = 0; i < 100000; i++)
		strbuf_puts(&b, "<a0:b/>");
	strbuf_puts(&b, "</CIM>");
	return strbuf_take(&b);
}

static void caps(void **state)
{
	CLEANUP_FREE char *deep = repeated(MSG, "<X>", 100000, "");
	CLEANUP_FREE char *keys =
		repeated(MSG "<IMETHODCALL NAME=\"GetInstance\">" NS
			     "<IPARAMVALUE NAME=\"InstanceName\"><INSTANCENAME CLASSNAME=\"C\">",
			 "<KEYBINDING NAME=\"a\"><KEYVALUE>x</KEYVALUE></KEYBINDING>", 33,
			 "</INSTANCENAME></IPARAMVALUE></IMETHODCALL>" TAIL);
	CLEANUP_FREE char *text = repeated(MSG "<METHODCALL NAME=\"M\"><LOCALCLASSPATH>" NS
					       "<CLASSNAME NAME=\"C\"/></LOCALCLASSPATH>"
					       "<PARAMVALUE NAME=\"a\"><VALUE>",
					   "0123456789abcdef", 1024 * 1024 / 16 + 1,
					   "</VALUE></PARAMVALUE></METHODCALL>" TAIL);
	CLEANUP_FREE char *list = repeated(MSG "<METHODCALL NAME=\"M\"><LOCALCLASSPATH>" NS
					       "<CLASSNAME NAME=\"C\"/></LOCALCLASSPATH>"
					       "<PARAMVALUE NAME=\"a\"><VALUE.ARRAY>",
					   "<VALUE/>", CIMXML_MAX_LIST + 1,
					   "</VALUE.ARRAY></PARAMVALUE></METHODCALL>" TAIL);

	(void)state;
	refused(deep, 400, "request-not-loosely-valid");
	refused_soon(numbered("<CIM ", "a%d=\"\" ", 150000, "/>"));
	refused_soon(numbered("<CIM ", "xmlns:a%d=\"u%d\" ", 150000, "/>"));
	refused_soon(numbered("<CIM>", "<a%d/>", 500000, "</CIM>"));
	refused_soon(numbered("<CIM>", "<?a%d?>", 500000, "</CIM>"));
	refused_soon(namespaces());
	refused_soon(repeated("<CIM a=\"", "x", 4 * 1024 * 1024, "\"/>"));
	refused_soon(repeated("<CIM><!--", "x", 8 * 1024 * 1024, "--></CIM>"));
	refused_soon(repeated("<CIM><![CDATA[>", "x", 8 * 1024 * 1024, "]]></CIM>"));
	refused(keys, 400, "request-not-loosely-valid");
	refused(text, 400, "request-not-loosely-valid");
	refused(list, 400, "request-not-loosely-valid");
}

/* To the element: what is as deep as the limit is read, one more is not. */
static void depth_limit(void **state)
{
	static const char body[] = ICALL(
		"GetInstance",
		IPARAM("InstanceName", "<INSTANCENAME CLASSNAME=\"C\"><KEYBINDING NAME=\"k\">"
				       "<KEYVALUE>text</KEYVALUE></KEYBINDING></INSTANCENAME>"));
	struct cimxml_refusal r;

	(void)state;
	for (unsigned int max = 7; max <= 8; max++) {
		arena_done(&arena);
		memset(&req, 0, sizeof(req));
		req.arena = &arena;
		req.max_depth = max;
		cimxml_decode(body, strlen(body), &req, &id, &r);
		assert_int_equal(r.http, max == 8 ? 0 : 400);
	}
	assert_null(cimxml_decode_instance(
		&(struct cim_request) { .arena = &arena, .max_depth = 2 },
		"<INSTANCE CLASSNAME=\"C\"><PROPERTY NAME=\"p\" TYPE=\"string\"><VALUE>x</VALUE>"
		"</PROPERTY></INSTANCE>",
		&(const char *) { NULL }));
}

/* The request is well-formed, whatever its embedded instances are. */
static void bad_embedded(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"&lt;CLASS/&gt;",
		"&lt;INSTANCE",
		"&lt;INSTANCE/&gt;",
		"&lt;INSTANCE CLASSNAME=\"C\"&gt;&lt;X/&gt;&lt;/INSTANCE&gt;",
		"&lt;INSTANCE CLASSNAME=\"C\"/&gt;more",
		"&lt;!DOCTYPE x&gt;&lt;INSTANCE CLASSNAME=\"C\"/&gt;",
	};
	struct strbuf body = STRBUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		strbuf_reset(&body);
		strbuf_printf(&body,
			      METHOD("<PARAMVALUE NAME=\"Given\" EmbeddedObject=\"instance\">"
				     "<VALUE>%s</VALUE></PARAMVALUE>"),
			      texts[i]);
		accepted(strbuf_str(&body));
		assert_non_null(req.error);
		assert_ptr_equal(strstr(req.error, "Given is no instance"), req.error);
	}
	strbuf_done(&body);
}

/* An instance in an instance in ... */
static void deep_embedding(void **state)
{
	struct strbuf xml = STRBUF_INIT;
	const char *why = NULL;

	(void)state;
	strbuf_puts(&xml, "<INSTANCE CLASSNAME=\"C\"></INSTANCE>");
	for (int i = 0; i < 6; i++) {
		struct strbuf outer = STRBUF_INIT;

		strbuf_puts(&outer,
			    "<INSTANCE CLASSNAME=\"C\"><PROPERTY NAME=\"p\" TYPE=\"string\" "
			    "EmbeddedObject=\"instance\"><VALUE>");
		strbuf_xml(&outer, strbuf_str(&xml));
		strbuf_puts(&outer, "</VALUE></PROPERTY></INSTANCE>");
		strbuf_done(&xml);
		xml = outer;
		if (i == 2)
			assert_non_null(decode_instance(strbuf_str(&xml), &why));
	}
	assert_null(decode_instance(strbuf_str(&xml), &why));
	assert_non_null(why);
	strbuf_done(&xml);
}

/* Every prefix of a request, and every byte of it changed: no crash, no leak, an answer. */
static void mutations(void **state)
{
	static const char body[] = METHOD(
		"<PARAMVALUE NAME=\"e\" PARAMTYPE=\"string\" EmbeddedObject=\"instance\"><VALUE>"
		"&lt;INSTANCE CLASSNAME=\"E\"/&gt;</VALUE></PARAMVALUE><PARAMVALUE NAME=\"b\">"
		"<VALUE.ARRAY><VALUE>x</VALUE></VALUE.ARRAY></PARAMVALUE>");
	static const char bytes[] = "<>&\"/=A \x80";
	char copy[sizeof(body)];

	(void)state;
	for (size_t i = 0; i < sizeof(body) - 1; i++) {
		memcpy(copy, body, sizeof(body));
		copy[i] = '\0';
		decode(copy);
		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			memcpy(copy, body, sizeof(body));
			copy[i] = bytes[k];
			decode(copy);
		}
	}
}

static void writes_what_it_reads(void **state)
{
	static const char xml[] =
		"<INSTANCE CLASSNAME=\"C\"><PROPERTY NAME=\"s\" TYPE=\"string\"><VALUE>"
		"a &lt; b&#10;"
		"</VALUE></PROPERTY><PROPERTY.ARRAY NAME=\"l\" TYPE=\"string\"><VALUE.ARRAY><VALUE>"
		"</VALUE><VALUE.NULL></VALUE.NULL></VALUE.ARRAY></PROPERTY.ARRAY>"
		"<PROPERTY.REFERENCE NAME=\"r\" REFERENCECLASS=\"D\"><VALUE.REFERENCE>"
		"<LOCALINSTANCEPATH><LOCALNAMESPACEPATH><NAMESPACE NAME=\"root\"></NAMESPACE>"
		"<NAMESPACE NAME=\"x\"></NAMESPACE></LOCALNAMESPACEPATH><INSTANCENAME "
		"CLASSNAME=\"D\"><KEYBINDING NAME=\"k\"><KEYVALUE VALUETYPE=\"string\" "
		"TYPE=\"string\">&quot;"
		"</KEYVALUE></KEYBINDING></INSTANCENAME></LOCALINSTANCEPATH></VALUE.REFERENCE>"
		"</PROPERTY.REFERENCE></INSTANCE>";
	CLEANUP(strbuf_done) struct strbuf b = STRBUF_INIT;
	const char *why;
	struct cim_inst *i = decode_instance(xml, &why);

	(void)state;
	assert_non_null(i);
	xml_instance(&b, i, NULL, NULL);
	assert_string_equal(strbuf_str(&b), xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_class),
		cmocka_unit_test(defaults),
		cmocka_unit_test(open_parameters),
		cmocka_unit_test(texts),
		cmocka_unit_test(parameter_errors),
		cmocka_unit_test(key_forms),
		cmocka_unit_test(method_parameters),
		cmocka_unit_test(not_well_formed),
		cmocka_unit_test(not_valid),
		cmocka_unit_test(versions),
		cmocka_unit_test(long_texts),
		cmocka_unit_test(ends_of_lines),
		cmocka_unit_test(catalogs),
		cmocka_unit_test(declared_encoding),
		cmocka_unit_test(encodings),
		cmocka_unit_test(caps),
		cmocka_unit_test(depth_limit),
		cmocka_unit_test(bad_embedded),
		cmocka_unit_test(deep_embedding),
		cmocka_unit_test(mutations),
		cmocka_unit_test(writes_what_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}

package dev.millrace.testing;

import java.util.List;

/// A type and SQL literals of it whose texts are easily changed on the way.
public record TypeSamples(String type, List<String> literals) {

    public static final List<TypeSamples> ALL =
            List.of(
                    new TypeSamples("bool", List.of("true", "false")),
                    new TypeSamples("int2", List.of("'-32768'")),
                    new TypeSamples("int8", List.of("9223372036854775807")),
                    new TypeSamples(
                            "float4",
                            List.of("1e-5", "123456.7", "1e6", "'NaN'", "'-Infinity'", "'-0'")),
                    new TypeSamples(
                            "float8",
                            List.of(
                                    "0.1",
                                    "1e15",
                                    "123456789012345",
                                    "1e-5",
                                    "0.0001",
                                    "1.7976931348623157e308",
                                    "'Infinity'")),
                    new TypeSamples(
                            "numeric",
                            List.of(
                                    "1.10",
                                    "-0.000000000000000000000000000000000001",
                                    "'NaN'",
                                    "'Infinity'",
                                    "1e30")),
                    new TypeSamples("numeric(12,2)", List.of("1", "1234567890.12")),
                    new TypeSamples(
                            "text",
                            List.of("''", "E'tab\\tnew\\nline \\\\ back'", "'é𝄞'", "'unchanged'")),
                    new TypeSamples("varchar(5)", List.of("'ab '")),
                    new TypeSamples("char(5)", List.of("'ab '")),
                    new TypeSamples("bpchar", List.of("'ab '")),
                    new TypeSamples("name", List.of("'a_name'")),
                    new TypeSamples("\"char\"", List.of("'x'", "''")),
                    new TypeSamples(
                            "money",
                            List.of("1234567.5", "-0.01", "0", "'-92233720368547758.08'", "-999")),
                    new TypeSamples("bytea", List.of("''", "'\\xdeadBEEF00'")),
                    new TypeSamples(
                            "date",
                            List.of(
                                    "'2024-02-29'",
                                    "'0044-03-15 BC'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'5874897-12-31'",
                                    "'4713-11-24 BC'")),
                    new TypeSamples("time", List.of("'24:00'", "'12:34:56.7'")),
                    new TypeSamples("timetz", List.of("'12:34:56.789012+05:30'")),
                    new TypeSamples(
                            "timestamp",
                            List.of(
                                    "'2024-02-29 12:34:56.000001'",
                                    "'0044-03-15 00:00:00 BC'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'294276-12-31 23:59:59.999999'")),
                    new TypeSamples(
                            "timestamptz",
                            List.of(
                                    "'2024-07-01 00:00:00+02'",
                                    "'1883-11-18 12:00:00+00'",
                                    "'infinity'",
                                    "'0044-03-15 00:00:00+00 BC'")),
                    new TypeSamples(
                            "interval",
                            List.of(
                                    "'1 year 2 mons -3 days 04:05:06.7'",
                                    "'-1 year -2 mons +3 days -04:05:06'",
                                    "'0'",
                                    "'30 days'",
                                    "'100:00:00.000001'",
                                    "'-00:00:01'",
                                    "'1 day'",
                                    "'-1 mons'",
                                    "'infinity'",
                                    "'-infinity'",
                                    "'2147483648:00:00'",
                                    "'-2562047788:00:54'",
                                    "'178956970 years 7 mons 2147483647 days'")),
                    new TypeSamples("interval(0)", List.of("'2147483648:00:00.5'")),
                    new TypeSamples("uuid", List.of("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'")),
                    new TypeSamples(
                            "json", List.of("'{\"b\": 1,  \"a\": [1.0, 2e3], \"b\": null}'")),
                    new TypeSamples(
                            "jsonb", List.of("'{\"b\": 1, \"a\": [1.0, 12345678901234567890]}'")),
                    new TypeSamples(
                            "xml",
                            List.of(
                                    "'<a b=\"1\">x</a>'",
                                    "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>1</a>'",
                                    "'<?xml version=\"1.1\"?><a/>'")),
                    new TypeSamples("inet", List.of("'10.0.0.1/8'", "'10.0.0.1'", "'::1'")),
                    new TypeSamples("cidr", List.of("'10.0.0.0/8'")),
                    new TypeSamples("macaddr8", List.of("'08:00:2b:01:02:03:04:05'")),
                    new TypeSamples("bit(5)", List.of("B'00101'")),
                    new TypeSamples("varbit", List.of("B'0001'")),
                    new TypeSamples("point", List.of("'(1,-2.5)'", "'(1e20,0.1)'")),
                    new TypeSamples("line", List.of("'{1,2.5,3}'")),
                    new TypeSamples("lseg", List.of("'[(1,2),(3,4.5)]'")),
                    new TypeSamples("box", List.of("'(3,4),(1,2)'")),
                    new TypeSamples("path", List.of("'[(1,2),(3,4)]'", "'((1,2),(3,4))'")),
                    new TypeSamples("polygon", List.of("'((0,0),(1,1.5),(2,0))'")),
                    new TypeSamples("circle", List.of("'<(1,2),3>'")),
                    new TypeSamples("int4range", List.of("'[1,5)'", "'empty'")),
                    new TypeSamples("tstzrange", List.of("'[2024-07-01 00:00+02,)'")),
                    new TypeSamples("int4multirange", List.of("'{[1,3),[5,7)}'")),
                    new TypeSamples("tsvector", List.of("'a:1 b:2'")),
                    new TypeSamples("tsquery", List.of("'a & b'")),
                    new TypeSamples("pg_lsn", List.of("'16/B374D848'")),
                    new TypeSamples("oid", List.of("42")),
                    new TypeSamples("xid8", List.of("'42'")),
                    new TypeSamples("jsonpath", List.of("'$.a[*]'")),
                    new TypeSamples(
                            "int4[]", List.of("'{{1,2},{3,NULL}}'", "'[0:1]={1,2}'", "'{}'")),
                    new TypeSamples("text[]", List.of("'{\"a,b\",\"\",NULL,\"q\\\"\"}'")),
                    new TypeSamples("numeric[]", List.of("'{NaN,1.10}'")),
                    new TypeSamples("bool[]", List.of("'{t,f,NULL}'")),
                    new TypeSamples("bytea[]", List.of("ARRAY['\\x01'::bytea]")),
                    new TypeSamples(
                            "timestamptz[]", List.of("ARRAY['2024-07-01 00:00+02'::timestamptz]")),
                    new TypeSamples("interval[]", List.of("'{1 day,infinity,2147483648:00:00}'")),
                    new TypeSamples("xml[]", List.of("ARRAY['<?xml version=\"1.0\"?><a/>'::xml]")),
                    new TypeSamples("money[]", List.of("'{1234.5,-0.01}'")),
                    new TypeSamples("char(3)[]", List.of("'{a,NULL}'")),
                    new TypeSamples("regclass", List.of("'pg_class'", "'-'")),
                    new TypeSamples("pg_snapshot", List.of("'10:20:10,14'")),
                    new TypeSamples("oidvector", List.of("'1 2'")),
                    new TypeSamples("citext", List.of("'Ab'")),
                    new TypeSamples("hstore", List.of("'a=>1, \"b c\"=>NULL'")),
                    new TypeSamples("spans", List.of("'[1 day,infinity)'")),
                    new TypeSamples("yes", List.of("true")),
                    new TypeSamples("yes[]", List.of("'{t,NULL}'")),
                    new TypeSamples("varbit[]", List.of("ARRAY[B'0001'::varbit]")),
                    new TypeSamples("mood", List.of("'so, so'")),
                    new TypeSamples("mood[]", List.of("'{\"so, so\",sad}'")),
                    new TypeSamples("pair", List.of("ROW(1, 'a \"b\"')", "ROW(NULL, NULL)")),
                    new TypeSamples("pair[]", List.of("ARRAY[ROW(1, NULL)::pair]")),
                    new TypeSamples("positive", List.of("7.50")));

    /// Creates the types that are not built in.
    public static final List<String> SETUP =
            List.of(
                    "CREATE TYPE mood AS ENUM ('sad', 'so, so')",
                    "CREATE TYPE pair AS (a int, b text)",
                    "CREATE DOMAIN positive AS numeric CHECK (VALUE > 0)",
                    "CREATE DOMAIN yes AS bool",
                    "CREATE TYPE spans AS RANGE (subtype = interval)",
                    "CREATE EXTENSION citext",
                    "CREATE EXTENSION hstore",
                    "CREATE FUNCTION loud(mood) RETURNS text LANGUAGE sql AS $$ SELECT 'loud' $$",
                    "CREATE CAST (mood AS text) WITH FUNCTION loud(mood)");

    /// The literal as a value of the type.
    public String value(int number) {
        return "(" + literals.get(number) + ")::" + type;
    }
}

package dev.millrace.mapping;

import java.util.List;

/// The table that the generated texts are about, with columns of every type.
final class OracleTable {

    static final String CREATE =
            "CREATE TABLE public.oracle (id int4 PRIMARY KEY, s int2, i int4, l int8, n numeric,"
                    + " m numeric(12,3), t text, v varchar(10), c char(6), x text, b bool, d date,"
                    + " ts timestamp, tz timestamptz, u uuid, j jsonb, f float8)";

    private OracleTable() {}

    /// The rows of the table, as text; the first are plain, the later ones lie on the edges.
    static List<String> rows() {
        return List.of(
                "1, 1, 1, 1, 1.50, 1.500, 'abc', 'abc', 'abc', '12', true, '2020-01-31', '2020-01-31 12:30:00.5', '2020-01-31 12:30:00+00', '00000000-0000-0000-0000-00000000000a', '{\"a\": 1}', 1.5",
                "2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL",
                "3, 0, 0, 0, 0, 0, '', '', '', '', false, '0001-01-01', '0001-01-01', '0001-01-01 00:00:00+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '[]', 0",
                "4, -7, -7, -7, -7.25, -0.005, ' a b ', 'aB%_c', 'ab', ' -7 ', true, '2020-02-29', '2020-02-29 00:00:00.000001', '1999-12-31 23:59:59.999+00', '00000000-0000-0000-0000-00000000000b', 'null', -0.1",
                "5, 2, 3, 10, 100, 33.333, 'Äpfel ẞ straße', 'ÄÖÜäöüß', 'Ä b', '1.5', false, '12345-06-07', '12345-06-07 01:02:03', '12345-06-07 01:02:03+00', '10000000-0000-0000-0000-000000000000', '\"x\"', 1e300",
                "6, 32767, 2147483647, 9223372036854775807, 99999999999999999999.123456789, 999999999.999, 'ab  ', 'ab  ', 'ab  ', 'yes', true, 'infinity', 'infinity', 'infinity', NULL, '1', 'NaN'",
                "7, -32768, -2147483648, -9223372036854775808, 'NaN', -999999999.999, 'a\\%b_', '\\', '%', 'NaN', NULL, '-infinity', '-infinity', '-infinity', NULL, NULL, '-Infinity'",
                "8, 3, 100, 1000, 0.0000000000000000001, 0.001, '😀\uFFFDé\u0301ıİ', '日本語', '日本', '1e3', false, '0044-03-15 BC', '0044-03-15 12:00:00 BC', '0044-03-15 12:00:00+00 BC', '00000000-0000-0000-0000-00000000000a', '{}', 2",
                "9, 5, -1, 4294967296, 'Infinity', 12.345, 'ABC', 'a', 'abcdef', 'TRUE', true, '2020-01-31', '2020-01-31 12:30:00', '2020-01-31 12:30:00.5+00', '00000000-0000-0000-0000-00000000000a', '{\"b\": null}', 0.1",
                "10, 100, 255, 65536, 12345.6789, 500.500, 'a\tb', '  x', ' x', 'off', true, '1970-01-01', '1970-01-01 00:00:00', '1970-01-01 00:00:00+00', '0a000000-0000-0000-0000-000000000000', '2', 3.25",
                "11, 4, 8, 16, -0.5, 2.5, 'aabbaa', 'b', 'b', '99999999999', false, NULL, NULL, NULL, NULL, NULL, NULL");
    }
}

package dev.millrace.sql;

import java.util.Map;
import java.util.Set;

/// Functions and operators of PostgreSQL that this language does not support, with the replacement
/// to suggest.
final class RefusedNames {

    static final Set<String> IS_JSON_WORDS =
            Set.of("value", "array", "object", "scalar", "with", "without", "unique", "keys");

    static final Set<String> INTERVAL_FIELDS =
            Set.of("year", "month", "day", "hour", "minute", "second", "to");

    static final String OPERATORS =
            "the operators are + - * / % || = <> < <= > >=, AND, OR, NOT, LIKE, IN and BETWEEN";

    private static final String STORED = "store the value in a source column and select it";
    private static final String ROW_BY_ROW = "remove it; each target row comes from one source row";

    private static final Map<String, String> FUNCTIONS =
            Map.ofEntries(
                    Map.entry("now", STORED),
                    Map.entry("random", STORED),
                    Map.entry("gen_random_uuid", STORED),
                    Map.entry("uuidv4", STORED),
                    Map.entry("uuidv7", STORED),
                    Map.entry("nextval", STORED),
                    Map.entry("clock_timestamp", STORED),
                    Map.entry("statement_timestamp", STORED),
                    Map.entry("transaction_timestamp", STORED),
                    Map.entry("timeofday", STORED),
                    Map.entry("age", STORED),
                    Map.entry("current_setting", STORED),
                    Map.entry("count", ROW_BY_ROW),
                    Map.entry("sum", ROW_BY_ROW),
                    Map.entry("avg", ROW_BY_ROW),
                    Map.entry("min", ROW_BY_ROW),
                    Map.entry("max", ROW_BY_ROW),
                    Map.entry("array_agg", ROW_BY_ROW),
                    Map.entry("string_agg", ROW_BY_ROW),
                    Map.entry("json_agg", ROW_BY_ROW),
                    Map.entry("jsonb_agg", ROW_BY_ROW),
                    Map.entry("bool_and", ROW_BY_ROW),
                    Map.entry("bool_or", ROW_BY_ROW),
                    Map.entry("row_number", ROW_BY_ROW),
                    Map.entry("rank", ROW_BY_ROW),
                    Map.entry("greatest", "use CASE"),
                    Map.entry("least", "use CASE"),
                    Map.entry("initcap", "use upper or lower"),
                    Map.entry("position", "use LIKE to search in a text"),
                    Map.entry("extract", "select the column unchanged"),
                    Map.entry("to_char", "use CAST(.. AS text)"),
                    Map.entry("left", "use substr(text, 1, n)"),
                    Map.entry("format", "use || or concat"));

    /// Functions that are called without parentheses.
    static final Set<String> VALUE_FUNCTIONS =
            Set.of(
                    "current_date",
                    "current_time",
                    "current_timestamp",
                    "localtime",
                    "localtimestamp",
                    "current_user",
                    "session_user",
                    "system_user",
                    "current_role",
                    "user",
                    "current_catalog",
                    "current_schema");

    private RefusedNames() {}

    static String remedyForFunction(String name) {
        return VALUE_FUNCTIONS.contains(name) ? STORED : FUNCTIONS.getOrDefault(name, "");
    }

    static String remedyForOperator(String operator) {
        return switch (operator) {
            case "->", "->>", "#>", "#>>", "@>", "<@", "?", "@?", "@@" ->
                    "select the JSON column unchanged";
            case "~", "~*", "!~", "!~*" -> "use LIKE";
            case "~~" -> "write LIKE";
            case "^" -> "use multiplication";
            default -> OPERATORS;
        };
    }
}

package dev.millrace.sql;

import java.util.Set;

/// PostgreSQL's keywords, as far as they decide whether a word can be a name. Thread-safe.
final class Keywords {

    /// Cannot be a name unless quoted, except after AS.
    private static final Set<String> RESERVED =
            words(
                    "all analyse analyze and any array as asc asymmetric both case cast check"
                            + " collate column constraint create current_catalog current_date"
                            + " current_role current_time current_timestamp current_user"
                            + " default deferrable desc distinct do else end"
                            + " except false fetch for foreign from"
                            + " grant group having in initially"
                            + " intersect into lateral"
                            + " leading limit"
                            + " localtime localtimestamp not null offset on only or order placing primary references returning select session_user some symmetric system_user table then to trailing true union unique user using variadic when where window with");

    /// Can name a function or a type, but not a column.
    private static final Set<String> FUNCTION_NAMES =
            words(
                    "authorization binary collation concurrently cross current_schema freeze"
                            + " full ilike inner is isnull join left like natural notnull outer"
                            + " overlaps right similar tablesample verbose");

    /// Cannot be an alias without AS.
    private static final Set<String> NEED_AS =
            words(
                    "array as char character create day except fetch filter for from grant group"
                            + " having hour intersect into isnull limit minute month notnull"
                            + " offset on order over overlaps precision returning second"
                            + " to union varying where window with within"
                            + " without year");

    private Keywords() {}

    private static Set<String> words(String list) {
        return Set.of(list.split(" "));
    }

    static boolean mayNameColumn(SqlToken token) {
        return switch (token.kind()) {
            case QUOTED_NAME -> true;
            case WORD -> !RESERVED.contains(token.text()) && !FUNCTION_NAMES.contains(token.text());
            case STRING, INTEGER, DECIMAL, OPERATOR, SYMBOL, END -> false;
        };
    }

    static boolean mayNameFunction(SqlToken token) {
        return switch (token.kind()) {
            case QUOTED_NAME -> true;
            case WORD -> !RESERVED.contains(token.text());
            case STRING, INTEGER, DECIMAL, OPERATOR, SYMBOL, END -> false;
        };
    }

    static boolean mayBeBareAlias(SqlToken token) {
        return switch (token.kind()) {
            case QUOTED_NAME -> true;
            case WORD -> !NEED_AS.contains(token.text());
            case STRING, INTEGER, DECIMAL, OPERATOR, SYMBOL, END -> false;
        };
    }

    static boolean mayBeAlias(SqlToken token) {
        return switch (token.kind()) {
            case QUOTED_NAME, WORD -> true;
            case STRING, INTEGER, DECIMAL, OPERATOR, SYMBOL, END -> false;
        };
    }
}

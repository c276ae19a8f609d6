package dev.millrace.sql;

import dev.millrace.problem.NearestName;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// The number of arguments of a supported function.
///
/// @param form the call as a user writes it
public record Signature(int fewest, int most, String form) {

    private static final int ANY = Integer.MAX_VALUE;

    private static final Map<String, Signature> BY_NAME =
            Map.ofEntries(
                    Map.entry("lower", new Signature(1, 1, "lower(text)")),
                    Map.entry("upper", new Signature(1, 1, "upper(text)")),
                    Map.entry("btrim", new Signature(1, 2, "btrim(text [, characters])")),
                    Map.entry("ltrim", new Signature(1, 2, "ltrim(text [, characters])")),
                    Map.entry("rtrim", new Signature(1, 2, "rtrim(text [, characters])")),
                    Map.entry("substring", new Signature(2, 3, "substring(text, from [, length])")),
                    Map.entry("substr", new Signature(2, 3, "substr(text, from [, length])")),
                    Map.entry("length", new Signature(1, 1, "length(text)")),
                    Map.entry("char_length", new Signature(1, 1, "char_length(text)")),
                    Map.entry("character_length", new Signature(1, 1, "character_length(text)")),
                    Map.entry("concat", new Signature(1, ANY, "concat(value, ..)")),
                    Map.entry(
                            "concat_ws", new Signature(2, ANY, "concat_ws(separator, value, ..)")),
                    Map.entry("replace", new Signature(3, 3, "replace(text, from, to)")),
                    Map.entry("round", new Signature(1, 2, "round(numeric [, digits])")),
                    Map.entry("abs", new Signature(1, 1, "abs(number)")));

    /// All forms, including the calls with a syntax of their own in SQL.
    private static final Map<String, String> FORMS = forms();

    private static Map<String, String> forms() {
        Map<String, String> forms = new TreeMap<>();
        BY_NAME.forEach((name, signature) -> forms.put(name, signature.form));
        forms.put("trim", "trim([BOTH | LEADING | TRAILING] [characters FROM] text)");
        forms.put("coalesce", "coalesce(value, ..)");
        forms.put("nullif", "nullif(value, value)");
        return forms;
    }

    /// @throws Refusal when this function is not supported, or not with this number of arguments
    public static void check(int at, String name, int arguments) {
        Signature signature = BY_NAME.get(name);
        if (signature == null) {
            throw unknown(at, name);
        }
        if (arguments < signature.fewest || arguments > signature.most) {
            throw arity(at, name, arguments);
        }
    }

    static Refusal arity(int at, String name, int arguments) {
        return new Refusal(
                at,
                name
                        + " does not accept "
                        + arguments
                        + (arguments == 1 ? " argument" : " arguments"),
                "write " + FORMS.get(name));
    }

    private static Refusal unknown(int at, String name) {
        return new Refusal(at, "the function " + name + " is not supported", remedy(name));
    }

    /// The replacement to suggest for a function that is not supported.
    static String remedy(String name) {
        String remedy = RefusedNames.remedyForFunction(name);
        if (!remedy.isEmpty()) {
            return remedy;
        }
        return NearestName.of(name, FORMS.keySet())
                .map(near -> "did you mean " + FORMS.get(near) + "?")
                .orElse(
                        "select a column that contains the value; the functions are "
                                + FORMS.keySet().stream().collect(Collectors.joining(", ")));
    }
}

package dev.millrace.expression;

import dev.millrace.expression.Casts.CopiedText;
import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Signature;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;

/// Compiles function calls: selects the PostgreSQL function that a call means, and its computation.
/// Thread-safe.
final class Functions {

    private final CaseMaps caseMaps;

    Functions(CaseMaps caseMaps) {
        this.caseMaps = caseMaps;
    }

    Typed call(int at, String name, List<Typed> arguments) {
        Signature.check(at, name, arguments.size());
        return switch (name) {
            case "lower", "upper" -> caseChange(at, name, arguments.getFirst());
            case "btrim", "ltrim", "rtrim" -> trim(at, name, arguments);
            case "substring", "substr" -> substring(at, name, arguments);
            case "length", "char_length", "character_length" ->
                    Strict.one(
                            at,
                            ValueType.INT4,
                            text(arguments.getFirst()),
                            value -> (long) TextFunctions.length((String) value));
            case "concat" -> concat(at, arguments);
            case "concat_ws" -> concatWithSeparator(at, arguments);
            case "replace" -> replace(at, arguments);
            case "round" -> round(at, arguments);
            case "abs" -> abs(at, arguments.getFirst());
            default ->
                    throw new IllegalStateException(
                            "the function " + name + " has no" + " computation");
        };
    }

    private static Typed text(Typed argument) {
        if (!argument.kind().isText() && !argument.isUntyped()) {
            throw new Refusal(
                    argument.at(),
                    "a text is required, but this is " + argument.type().description(),
                    "write CAST(.. AS text)");
        }
        return Casts.toText(argument);
    }

    private static List<Typed> texts(List<Typed> arguments) {
        return arguments.stream().map(Functions::text).toList();
    }

    private static Typed position(Typed argument) {
        if (argument.kind() != Kind.INT2 && argument.kind() != Kind.INT4) {
            throw new Refusal(
                    argument.at(),
                    "an integer is required, but this is " + argument.type().description(),
                    "write CAST(.. AS integer)");
        }
        return argument;
    }

    private Typed caseChange(int at, String name, Typed argument) {
        Typed text = text(argument);
        TextCollation collation = text.collation();
        if (collation instanceof TextCollation.Conflict) {
            throw new Refusal(at, "the text has several collations, which PostgreSQL refuses", "");
        }
        CaseMaps.CaseMap map =
                caseMaps.of(collation.name())
                        .orElseThrow(
                                () ->
                                        new Refusal(
                                                at,
                                                name
                                                        + " in the collation "
                                                        + collation.name()
                                                        + " is not supported: its case map is"
                                                        + " not known",
                                                "select the column unchanged, or store its "
                                                        + name
                                                        + " form in a source column"));
        boolean lower = name.equals("lower");
        return Strict.one(
                at,
                ValueType.TEXT,
                text,
                value -> lower ? map.lower((String) value) : map.upper((String) value));
    }

    private static Typed trim(int at, String name, List<Typed> arguments) {
        List<Typed> texts = new ArrayList<>(texts(arguments));
        if (texts.size() == 1) {
            return Strict.one(
                    at, ValueType.TEXT, texts.getFirst(), value -> trimmed(name, value, " "));
        }
        return Strict.two(
                at,
                ValueType.TEXT,
                texts.get(0),
                texts.get(1),
                (value, characters) -> trimmed(name, value, (String) characters));
    }

    private static String trimmed(String name, Object value, String characters) {
        String text = (String) value;
        return switch (name) {
            case "ltrim" -> TextFunctions.trimmedLeft(text, characters);
            case "rtrim" -> TextFunctions.trimmedRight(text, characters);
            default ->
                    TextFunctions.trimmedRight(
                            TextFunctions.trimmedLeft(text, characters), characters);
        };
    }

    private static Typed substring(int at, String name, List<Typed> arguments) {
        Typed text = text(arguments.get(0));
        Typed start = position(arguments.get(1));
        if (arguments.size() == 2) {
            return Strict.two(
                    at,
                    ValueType.TEXT,
                    text,
                    start,
                    (value, from) -> TextFunctions.from((String) value, (Long) from));
        }
        return Strict.many(
                at,
                ValueType.TEXT,
                List.of(text, start, position(arguments.get(2))),
                values ->
                        TextFunctions.from(
                                (String) values.get(0),
                                (Long) values.get(1),
                                (Long) values.get(2)));
    }

    /// Arguments of any type, converted by their output functions.
    private static Evaluator[] printed(List<Typed> arguments) {
        return arguments.stream().map(Functions::printed).toArray(Evaluator[]::new);
    }

    private static Evaluator printed(Typed argument) {
        if (argument.kind() == Kind.COPIED && !CopiedText.isExact(argument.type())) {
            throw new Refusal(
                    argument.at(),
                    "a text is required, but the text of "
                            + argument.type().description()
                            + " is not known",
                    "select the column unchanged");
        }
        return argument.evaluator();
    }

    private static Typed concat(int at, List<Typed> arguments) {
        Evaluator[] parts = printed(arguments);
        return concatenated(
                at,
                arguments,
                cells -> {
                    StringBuilder result = new StringBuilder();
                    for (Evaluator part : parts) {
                        Object value = part.value(cells);
                        result.append(value == null ? "" : Values.print(value));
                    }
                    return result.toString();
                });
    }

    private static Typed concatWithSeparator(int at, List<Typed> arguments) {
        Evaluator separator = text(arguments.getFirst()).evaluator();
        Evaluator[] parts = printed(arguments.subList(1, arguments.size()));
        return concatenated(
                at,
                arguments,
                cells -> {
                    Object delimiter = separator.value(cells);
                    List<String> texts = new ArrayList<>();
                    for (Evaluator part : parts) {
                        Object value = part.value(cells);
                        if (value != null) {
                            texts.add(Values.print(value));
                        }
                    }
                    return delimiter == null ? null : String.join((String) delimiter, texts);
                });
    }

    /// Never constant, even over constants: PostgreSQL declares these functions stable and calls
    /// them for each row. An operator next to their NULL therefore still computes its other side.
    private static Typed concatenated(int at, List<Typed> arguments, Evaluator evaluator) {
        TextCollation collation = TextCollation.DEFAULT;
        for (Typed argument : arguments) {
            collation = collation.with(argument.collation());
        }
        return new Typed(at, ValueType.TEXT, collation, evaluator, false);
    }

    private static Typed replace(int at, List<Typed> arguments) {
        List<Typed> texts = texts(arguments);
        TextCollation collation = TextCollation.NONE;
        for (Typed text : texts) {
            collation = collation.with(text.collation());
        }
        Comparison.checkEquality(at, collation);
        return Strict.many(
                at,
                ValueType.TEXT,
                texts,
                values ->
                        TextFunctions.replaced(
                                (String) values.get(0),
                                (String) values.get(1),
                                (String) values.get(2)));
    }

    private static Typed round(int at, List<Typed> arguments) {
        Typed number = arguments.getFirst();
        boolean supported =
                arguments.size() == 2 ? number.kind().isNumber() : number.kind() == Kind.NUMERIC;
        if (!supported) {
            throw new Refusal(
                    at,
                    "round of "
                            + number.type().description()
                            + " is not supported: PostgreSQL computes it in double precision",
                    "write round(CAST(.. AS numeric))");
        }
        ValueType type = ValueType.of(Kind.NUMERIC);
        if (arguments.size() == 1) {
            return Strict.one(at, type, number, value -> ((Numeric) value).rounded(0));
        }
        return Strict.two(
                at,
                type,
                Casts.toNumeric(number),
                position(arguments.get(1)),
                (value, scale) -> ((Numeric) value).rounded(Math.toIntExact((Long) scale)));
    }

    private static Typed abs(int at, Typed argument) {
        Kind kind = argument.kind();
        if (!kind.isNumber()) {
            throw new Refusal(
                    at,
                    "abs of " + argument.type().description() + " is not supported",
                    "CAST it to numeric");
        }
        return Strict.one(
                at,
                argument.type().unconstrained(),
                argument,
                value ->
                        kind == Kind.NUMERIC
                                ? ((Numeric) value).abs()
                                : IntegerArithmetic.abs(kind, (Long) value));
    }
}

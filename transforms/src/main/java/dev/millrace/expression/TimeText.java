package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Dates and timestamps as PostgreSQL prints them with DateStyle ISO in UTC: their order, and the
/// literals that have one meaning only. Thread-safe.
final class TimeText {

    private static final Pattern LITERAL =
            Pattern.compile(
                    "([0-9]{4}-[0-9]{2}-[0-9]{2})(?:["
                            + " T]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,6})?)?)(Z|\\+00(?::00)?)?)?");

    /// Orders earlier values first.
    static final Comparator<Object> ORDER =
            Comparator.<Object, Instant>comparing(value -> Instant.of((String) value));

    private TimeText() {}

    private record Instant(long year, String rest) implements Comparable<Instant> {

        private static final Pattern PRINTED =
                Pattern.compile("([0-9]{4,})(-[0-9]{2}-[0-9]{2}[^+B]*)(?:\\+00)?( BC)?");

        static Instant of(String text) {
            if (text.equals("infinity")) {
                return new Instant(Long.MAX_VALUE, "");
            }
            if (text.equals("-infinity")) {
                return new Instant(Long.MIN_VALUE, "");
            }
            Matcher parts = PRINTED.matcher(text);
            if (!parts.matches()) {
                throw new RowError("a date or timestamp is not in ISO style in UTC");
            }
            long year = Long.parseLong(parts.group(1));
            return new Instant(parts.group(3) == null ? year : -year, parts.group(2).strip());
        }

        @Override
        public int compareTo(Instant other) {
            int byYear = Long.compare(year, other.year);
            return byYear != 0 ? byYear : rest.compareTo(other.rest);
        }
    }

    /// The literal in the form that PostgreSQL prints.
    static String literal(int at, Kind kind, String text) {
        if (text.equals("infinity") || text.equals("-infinity")) {
            return text;
        }
        Matcher parts = LITERAL.matcher(text);
        if (!parts.matches()) {
            throw refusal(at, kind);
        }
        try {
            LocalDate date = LocalDate.parse(parts.group(1));
            if (date.getYear() < 1) {
                throw refusal(at, kind);
            }
            @Nullable String time = parts.group(2);
            @Nullable String zone = parts.group(3);
            return switch (kind) {
                case DATE -> {
                    if (time != null) {
                        throw refusal(at, kind);
                    }
                    yield date.toString();
                }
                case TIMESTAMP -> {
                    if (zone != null) {
                        throw refusal(at, kind);
                    }
                    yield date + " " + time(time);
                }
                default -> {
                    if (zone == null) {
                        throw refusal(at, kind);
                    }
                    yield date + " " + time(time) + "+00";
                }
            };
        } catch (DateTimeException _) {
            throw refusal(at, kind);
        }
    }

    private static String time(@Nullable String text) {
        if (text == null) {
            return "00:00:00";
        }
        String checked = LocalTime.parse(text).getSecond() >= 0 ? text : "";
        String seconds = checked.length() == 5 ? checked + ":00" : checked;
        return seconds.contains(".") ? seconds.replaceFirst("\\.?0+$", "") : seconds;
    }

    private static Refusal refusal(int at, Kind kind) {
        String form =
                switch (kind) {
                    case DATE -> "'2020-01-31'";
                    case TIMESTAMP -> "'2020-01-31 12:00:00'";
                    default -> "'2020-01-31 12:00:00+00'";
                };
        return new Refusal(
                at,
                "this is not a " + kind.sqlName() + " in its plain form",
                "write it" + " like " + form);
    }
}

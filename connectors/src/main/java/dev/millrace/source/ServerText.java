package dev.millrace.source;

import io.debezium.data.SpecialValueDecimal;
import java.math.BigDecimal;
import java.sql.Array;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoField;
import java.util.HexFormat;
import org.postgresql.util.PGInterval;
import org.postgresql.util.PGobject;

/// Turns the objects that the decoder makes of some values back into the text PostgreSQL itself
/// prints for them under DateStyle ISO, IntervalStyle postgres, TimeZone UTC and hex bytea. What it
/// doesn't know it refuses by its class.
final class ServerText {

    private static final LocalDate DATE_INFINITY_FROM = LocalDate.of(5_874_898, 1, 1);
    private static final LocalDate DATE_MINUS_INFINITY_TO = LocalDate.of(-4_713, 1, 1);
    private static final Instant INFINITY_FROM = instant(294_277, 1, 2);
    private static final Instant MINUS_INFINITY_TO = instant(-4_713, 1, 1);

    private ServerText() {}

    static String of(Object value) {
        return switch (value) {
            case String text -> text;
            case Boolean flag -> flag.toString();
            case Short number -> number.toString();
            case Integer number -> number.toString();
            case Long number -> number.toString();
            case Float number -> FloatText.of(number);
            case Double number -> FloatText.of(number);
            case SpecialValueDecimal decimal -> decimal(decimal);
            case BigDecimal decimal -> decimal.toPlainString();
            case byte[] bytes -> "\\x" + HexFormat.of().formatHex(bytes);
            case LocalDate date -> date(date);
            case Instant instant -> timestamp(instant, "");
            case OffsetDateTime time -> timestamp(time.toInstant(), "+00");
            case LocalTime time -> time(time);
            case PGInterval interval -> IntervalText.of(interval);
            case PGobject object -> FloatText.within(String.valueOf(object.getValue()));
            case Array array -> array.toString();
            default ->
                    throw new UnreadableChangeException(
                            "the decoder gave a "
                                    + value.getClass().getName()
                                    + ", for which no text is known");
        };
    }

    private static String decimal(SpecialValueDecimal decimal) {
        if (decimal.getDecimalValue().isPresent()) {
            return decimal.getDecimalValue().get().toPlainString();
        }
        return switch (decimal.toString()) {
            case "NAN" -> "NaN";
            case "POSITIVE_INFINITY" -> "Infinity";
            case "NEGATIVE_INFINITY" -> "-Infinity";
            default ->
                    throw new UnreadableChangeException(
                            "the decoder gave an unknown special numeric");
        };
    }

    private static String date(LocalDate date) {
        if (date.compareTo(DATE_INFINITY_FROM) >= 0) {
            return "infinity";
        }
        if (date.compareTo(DATE_MINUS_INFINITY_TO) < 0) {
            return "-infinity";
        }
        StringBuilder text = new StringBuilder();
        appendDate(text, date);
        appendEra(text, date);
        return text.toString();
    }

    private static String timestamp(Instant instant, String zone) {
        if (instant.compareTo(INFINITY_FROM) >= 0) {
            return "infinity";
        }
        if (instant.compareTo(MINUS_INFINITY_TO) < 0) {
            return "-infinity";
        }
        LocalDateTime time = LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
        StringBuilder text = new StringBuilder();
        appendDate(text, time.toLocalDate());
        text.append(' ').append(time(time.toLocalTime())).append(zone);
        appendEra(text, time.toLocalDate());
        return text.toString();
    }

    private static String time(LocalTime time) {
        StringBuilder text = new StringBuilder();
        two(text, time.getHour()).append(':');
        two(text, time.getMinute()).append(':');
        two(text, time.getSecond());
        appendMicros(text, time.getNano() / 1000);
        return text.toString();
    }

    static void appendMicros(StringBuilder text, int micros) {
        if (micros == 0) {
            return;
        }
        String digits = Integer.toString(micros + 1_000_000).substring(1);
        int end = digits.length();
        while (digits.charAt(end - 1) == '0') {
            end--;
        }
        text.append('.').append(digits, 0, end);
    }

    private static void appendDate(StringBuilder text, LocalDate date) {
        String year = Integer.toString(date.get(ChronoField.YEAR_OF_ERA));
        text.append("0".repeat(Math.max(0, 4 - year.length()))).append(year).append('-');
        two(text, date.getMonthValue()).append('-');
        two(text, date.getDayOfMonth());
    }

    private static void appendEra(StringBuilder text, LocalDate date) {
        if (date.getYear() <= 0) {
            text.append(" BC");
        }
    }

    static StringBuilder two(StringBuilder text, int value) {
        return text.append((char) ('0' + value / 10)).append((char) ('0' + value % 10));
    }

    private static Instant instant(int year, int month, int day) {
        return LocalDate.of(year, month, day).atStartOfDay(ZoneOffset.UTC).toInstant();
    }
}

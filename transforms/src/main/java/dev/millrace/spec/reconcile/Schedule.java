package dev.millrace.spec.reconcile;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// When something is repeated. Pure and immutable.
public sealed interface Schedule {

    Schedule NEVER = new Never();

    /// The first moment after another one; empty if there is none.
    ///
    /// @param last when it was done last
    Optional<Instant> after(Instant last);

    /// Only on request.
    record Never() implements Schedule {

        @Override
        public Optional<Instant> after(Instant last) {
            return Optional.empty();
        }
    }

    /// This long after the last time.
    record Every(Duration interval) implements Schedule {

        public Every {
            if (!interval.isPositive()) {
                throw new IllegalArgumentException("The interval is " + interval);
            }
        }

        @Override
        public Optional<Instant> after(Instant last) {
            return Optional.of(last.plus(interval));
        }
    }

    /// At the minutes of a calendar in UTC, as cron(8) reads five fields of numbers. If both days
    /// are restricted, one of them is enough.
    ///
    /// @param minutes 0 to 59
    /// @param hours 0 to 23
    /// @param days of the month, from 1; empty for every day
    /// @param months 1 to 12
    /// @param weekdays 0 for Sunday to 6; empty for every day
    record Cron(
            List<Integer> minutes,
            List<Integer> hours,
            List<Integer> days,
            List<Integer> months,
            List<Integer> weekdays)
            implements Schedule {

        private static final Pattern RANGE =
                Pattern.compile("(?:\\*|(\\d{1,2})(?:-(\\d{1,2}))?)(?:/(\\d{1,2}))?");

        /// February 29 on a certain day of the week comes once in 28 years, and not in 2100.
        private static final int YEARS = 41;

        private static final int SUNDAY_TOO = 7;

        public Cron {
            minutes = List.copyOf(minutes);
            hours = List.copyOf(hours);
            days = List.copyOf(days);
            months = List.copyOf(months);
            weekdays = List.copyOf(weekdays);
        }

        /// @return empty if the text is not five fields of numbers, `*`, `-`, `/` and `,`, or if
        ///   there is no such day
        public static Optional<Cron> parse(String text) {
            String[] fields = text.strip().split("\\s+");
            if (fields.length != 5) {
                return Optional.empty();
            }
            List<Optional<List<Integer>>> parsed =
                    List.of(
                            numbers(fields[0], 0, 59),
                            numbers(fields[1], 0, 23),
                            numbers(fields[2], 1, 31),
                            numbers(fields[3], 1, 12),
                            numbers(fields[4], 0, SUNDAY_TOO));
            if (parsed.stream().anyMatch(Optional::isEmpty)) {
                return Optional.empty();
            }
            Cron cron =
                    new Cron(
                            parsed.get(0).get(),
                            parsed.get(1).get(),
                            isAny(fields[2]) ? List.of() : parsed.get(2).get(),
                            parsed.get(3).get(),
                            isAny(fields[4])
                                    ? List.of()
                                    : parsed.get(4).get().stream()
                                            .map(day -> day % SUNDAY_TOO)
                                            .distinct()
                                            .sorted()
                                            .toList());
            return Optional.of(cron).filter(each -> each.after(Instant.EPOCH).isPresent());
        }

        private static boolean isAny(String field) {
            return field.equals("*");
        }

        /// @return empty if the field is malformed or has a number outside these limits
        private static Optional<List<Integer>> numbers(String field, int least, int most) {
            TreeSet<Integer> numbers = new TreeSet<>();
            for (String part : field.split(",", -1)) {
                Matcher range = RANGE.matcher(part);
                if (!range.matches()) {
                    return Optional.empty();
                }
                boolean any = range.group(1) == null;
                int from = any ? least : Integer.parseInt(range.group(1));
                // `5/10` begins at 5 and has no end, as in cron.
                int to =
                        any || (range.group(2) == null && range.group(3) != null)
                                ? most
                                : Integer.parseInt(
                                        range.group(2) == null ? range.group(1) : range.group(2));
                int step = range.group(3) == null ? 1 : Integer.parseInt(range.group(3));
                if (from < least || to > most || from > to || step == 0) {
                    return Optional.empty();
                }
                for (int number = from; number <= to; number += step) {
                    numbers.add(number);
                }
            }
            return Optional.of(new ArrayList<>(numbers));
        }

        @Override
        public Optional<Instant> after(Instant last) {
            ZonedDateTime next =
                    last.atZone(ZoneOffset.UTC).truncatedTo(ChronoUnit.MINUTES).plusMinutes(1);
            ZonedDateTime end = next.plusYears(YEARS);
            while (next.isBefore(end)) {
                if (!months.contains(next.getMonthValue())) {
                    next = next.truncatedTo(ChronoUnit.DAYS).withDayOfMonth(1).plusMonths(1);
                } else if (!isDay(next)) {
                    next = next.truncatedTo(ChronoUnit.DAYS).plusDays(1);
                } else if (!hours.contains(next.getHour())) {
                    next = next.truncatedTo(ChronoUnit.HOURS).plusHours(1);
                } else if (!minutes.contains(next.getMinute())) {
                    next = next.plusMinutes(1);
                } else {
                    return Optional.of(next.toInstant());
                }
            }
            return Optional.empty();
        }

        private boolean isDay(ZonedDateTime day) {
            boolean byMonth = days.contains(day.getDayOfMonth());
            boolean byWeek = weekdays.contains(day.getDayOfWeek().getValue() % SUNDAY_TOO);
            if (days.isEmpty()) {
                return weekdays.isEmpty() || byWeek;
            }
            return byMonth || byWeek;
        }
    }
}

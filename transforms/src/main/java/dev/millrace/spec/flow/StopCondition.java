package dev.millrace.spec.flow;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A limit of a metric, and what is held while the metric is above it. It does not change what the
/// target's rows mean, so it is not part of `SpecHash`. Immutable.
///
/// @param name unique in the file
/// @param above the limit, in the metric's [Unit]
/// @param sustained for how long the metric must be above the limit before anything is held, and
///   below 80 % of it before it is released
public record StopCondition(
        String name, Measure measure, double above, Duration sustained, Consequence then) {

    /// Of an absent `for`.
    public static final Duration SUSTAINED = Duration.ofSeconds(10);

    /// A pattern for names.
    public static final String NAME = "[a-zA-Z0-9._-]{1,60}";

    /// What is measured.
    public sealed interface Measure {

        Unit unit();

        /// Whether it is 0 or 1: then the file has no limit for it.
        default boolean isYesOrNo() {
            return this instanceof HttpCheck || this instanceof Window;
        }

        record BuiltIn(Metric metric) implements Measure {
            @Override
            public Unit unit() {
                return metric.unit;
            }
        }

        /// The part of the WAL budget that is used: 1 is all of it.
        record WalBudget() implements Measure {
            @Override
            public Unit unit() {
                return Unit.NUMBER;
            }
        }

        /// @param statement gives one row with one number
        record Scalar(Side on, String statement) implements Measure {
            @Override
            public Unit unit() {
                return Unit.NUMBER;
            }
        }

        /// Whether an address answers with 200: 0 if it does, otherwise 1.
        record HttpCheck(String address) implements Measure {

            /// Empty unless it is a URL with http or https, a host and no password.
            public static Optional<HttpCheck> of(String address) {
                URI uri;
                try {
                    uri = new URI(address);
                } catch (URISyntaxException _) {
                    return Optional.empty();
                }
                boolean isWeb = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
                return isWeb && uri.getHost() != null && uri.getUserInfo() == null
                        ? Optional.of(new HttpCheck(address))
                        : Optional.empty();
            }

            @Override
            public Unit unit() {
                return Unit.NUMBER;
            }

            /// The address may contain a secret.
            @Override
            public String toString() {
                return "HttpCheck";
            }
        }

        /// Whether it is a certain time of the day: 1 from `from` on and before `to`, otherwise 0.
        /// A window whose end is not after its beginning goes past midnight.
        record Window(LocalTime from, LocalTime to, ZoneId zone) implements Measure {

            private static final Pattern FORM =
                    Pattern.compile("(\\d\\d:\\d\\d)-(\\d\\d:\\d\\d)(?: ([A-Za-z0-9_+/-]+))?");

            /// @param text as in the file; without a zone it is UTC
            public static Optional<Window> of(String text) {
                Matcher form = FORM.matcher(text);
                if (!form.matches()) {
                    return Optional.empty();
                }
                try {
                    return Optional.of(
                            new Window(
                                    LocalTime.parse(form.group(1)),
                                    LocalTime.parse(form.group(2)),
                                    form.group(3) == null
                                            ? ZoneOffset.UTC
                                            : ZoneId.of(form.group(3))));
                } catch (DateTimeException _) {
                    return Optional.empty();
                }
            }

            @Override
            public Unit unit() {
                return Unit.NUMBER;
            }

            public boolean contains(Instant now) {
                LocalTime time = now.atZone(zone).toLocalTime();
                boolean begun = !time.isBefore(from);
                boolean over = !time.isBefore(to);
                return from.isBefore(to) ? begun && !over : begun || !over;
            }

            /// As in the file.
            public String text() {
                return "%s-%s %s".formatted(from, to, zone.equals(ZoneOffset.UTC) ? "UTC" : zone);
            }
        }
    }

    /// Why a condition makes no sense.
    public record Refusal(String what, String remedy) {}

    /// A metric that Millrace knows how to read.
    public enum Metric {
        TARGET_COMMIT_P95("target.commit.p95", Unit.SECONDS),
        TARGET_LOCK_WAITS("target.lock-waits", Unit.NUMBER),
        TARGET_ACTIVE_SESSIONS("target.active-sessions", Unit.NUMBER),
        SOURCE_ACTIVE_SESSIONS("source.active-sessions", Unit.NUMBER),
        TARGET_REPLICATION_LAG("target.replication-lag", Unit.BYTES),
        SOURCE_REPLICATION_LAG("source.replication-lag", Unit.BYTES),
        SOURCE_WAL_RETAINED("source.wal-retained", Unit.BYTES);

        private final String id;
        private final Unit unit;

        Metric(String id, Unit unit) {
            this.id = id;
            this.unit = unit;
        }

        public String id() {
            return id;
        }

        public static Optional<Metric> of(String id) {
            return Stream.of(values()).filter(metric -> metric.id.equals(id)).findFirst();
        }
    }

    /// The unit of a value.
    public enum Unit {
        SECONDS("a duration such as 200ms or 5s"),
        BYTES("a size such as 512MB or 20GB"),
        NUMBER("a number");

        private final String form;

        Unit(String form) {
            this.form = form;
        }

        /// How the file says it.
        public String form() {
            return form;
        }

        /// @return empty if the text is no positive value of this unit
        public OptionalDouble parse(String text) {
            return switch (this) {
                case SECONDS -> scaled(text, "ms s m h", 0.001, 1, 60, 3_600);
                case BYTES ->
                        scaled(text, "kB MB GB TB", 1 << 10, 1 << 20, 1 << 30, (double) (1L << 40));
                case NUMBER ->
                        text.matches("[0-9]{1,15}(\\.[0-9]{1,6})?")
                                ? OptionalDouble.of(Double.parseDouble(text))
                                : OptionalDouble.empty();
            };
        }

        /// @return empty if the text is no size
        public static OptionalLong bytes(String text) {
            OptionalDouble size = BYTES.parse(text);
            return size.isPresent()
                    ? OptionalLong.of((long) size.getAsDouble())
                    : OptionalLong.empty();
        }

        private static OptionalDouble scaled(String text, String units, double... factors) {
            String[] names = units.split(" ");
            for (int i = 0; i < names.length; i++) {
                if (text.matches("[1-9][0-9]{0,8}" + names[i])) {
                    String number = text.substring(0, text.length() - names[i].length());
                    return OptionalDouble.of(Long.parseLong(number) * factors[i]);
                }
            }
            return OptionalDouble.empty();
        }
    }

    /// A database of the migration.
    public enum Side {
        SOURCE,
        TARGET;

        public static Optional<Side> of(String name) {
            return Stream.of(values())
                    .filter(side -> side.name().toLowerCase(Locale.ROOT).equals(name))
                    .findFirst();
        }
    }

    /// What is held.
    public enum Consequence {
        PAUSE_BACKFILL("pause-backfill"),
        PAUSE("pause"),
        SLOW_BACKFILL("slow-backfill"),
        SLOW("slow"),
        BLOCK_SWITCHOVER("block-switchover"),
        ROLLBACK("rollback"),
        /// Of the WAL budget alone.
        DROP_SLOT("drop-slot");

        /// What the file may say.
        public static final String FORM =
                "must be pause-backfill, pause, slow-backfill, slow, block-switchover or rollback";

        private final String id;

        Consequence(String id) {
            this.id = id;
        }

        public String id() {
            return id;
        }

        /// Those that the file may name.
        public static Optional<Consequence> of(String id) {
            return Stream.of(values())
                    .filter(each -> each != DROP_SLOT && each.id.equals(id))
                    .findFirst();
        }

        /// Whether it does something that a release does not take back.
        public boolean isFinal() {
            return this == ROLLBACK || this == DROP_SLOT;
        }

        /// Whether it changes the speed step by step.
        public boolean slows() {
            return this == SLOW_BACKFILL || this == SLOW;
        }

        /// @param windows whether the backfill is read in windows
        /// @param routed whether Millrace routes the traffic itself
        public Optional<Refusal> refusal(Measure measure, boolean windows, boolean routed) {
            if (!windows && (this == PAUSE_BACKFILL || this == SLOW_BACKFILL)) {
                return Optional.of(
                        new Refusal(
                                "cannot pause or slow a backfill of the engine",
                                "set backfill: windows"));
            }
            if (slows() && measure instanceof Measure.Window) {
                return Optional.of(
                        new Refusal(
                                "slows step by step while a value is too high, and a time does not get lower",
                                "use pause-backfill or pause"));
            }
            return this == ROLLBACK && !routed
                    ? Optional.of(
                            new Refusal(
                                    "moves the traffic back, and this file has no switchover.route",
                                    "add a route, or use block-switchover"))
                    : Optional.empty();
        }
    }
}

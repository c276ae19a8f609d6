package dev.millrace.spec.flow;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
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
    }

    /// A metric that Millrace knows how to read.
    public enum Metric {
        TARGET_COMMIT_P95("target.commit.p95", Unit.SECONDS),
        TARGET_LOCK_WAITS("target.lock-waits", Unit.NUMBER),
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
        TARGET
    }

    /// What is held.
    public enum Consequence {
        PAUSE_BACKFILL("pause-backfill"),
        PAUSE("pause"),
        BLOCK_SWITCHOVER("block-switchover");

        private final String id;

        Consequence(String id) {
            this.id = id;
        }

        public String id() {
            return id;
        }

        public static Optional<Consequence> of(String id) {
            return Stream.of(values()).filter(each -> each.id.equals(id)).findFirst();
        }
    }
}

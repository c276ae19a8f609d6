package dev.millrace.spec;

import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// Binds `reconcile` and checks it. [SpecForm] has the rules.
record ReconcileForm(
        @Setting(
                        value =
                                "When the service compares all rows by itself: a duration such as"
                                        + " 24h since the beginning of the last time (1m to 31d), or"
                                        + " five fields as cron reads them, in UTC. Without it, only on"
                                        + " request.",
                        pattern = ReconcileForm.SCHEDULE,
                        examples = {"24h", "15 3 * * *"})
                @Nullable Scalar schedule,
        @Setting(
                        value =
                                "When the service compares the keys that were touched since the"
                                        + " last comparison of all tables, and the numbers of rows: a"
                                        + " duration since the beginning of the last comparison (1m to"
                                        + " 31d), or five fields as cron reads them, in UTC. Without"
                                        + " it, never.",
                        pattern = ReconcileForm.SCHEDULE,
                        examples = {"5m", "*/10 * * * *"})
                @Nullable Scalar incremental,
        @Setting(
                        value =
                                "The share of the time in which each session of a comparison reads:"
                                        + " 0.01 to 1. In between it rests.",
                        kind = "a number",
                        standard = "1",
                        examples = "0.25")
                @Nullable Scalar maxLoad,
        @Setting(
                        value =
                                "How long one read of a large table should take: 50ms to 1m. The"
                                        + " number of rows follows the time that the last reads"
                                        + " took.",
                        pattern = Durations.PATTERN,
                        standard = "500ms",
                        examples = "200ms")
                @Nullable Scalar chunkTime,
        @Setting(
                        value =
                                "How many ranges or groups of tables are read at a time, each with"
                                        + " a session on both sides.",
                        range = {1, ReconcileSetting.Load.MOST_PARALLEL},
                        standard = "4",
                        kind = "a number",
                        examples = "2")
                @Nullable Scalar parallel,
        @Setting(
                        value =
                                "How long a statement of a comparison may run: 1s to 7d. Its table"
                                        + " is undecided then. Without it, there is no limit.",
                        pattern = Durations.PATTERN,
                        examples = "10m")
                @Nullable Scalar statementTimeout,
        @Setting(
                        value =
                                "Rows of the target that another program writes. watch: they are"
                                        + " found within seconds while the target is in sync."
                                        + " ignore: only a comparison finds them.",
                        pattern = ReconcileForm.FOREIGN,
                        standard = "watch",
                        examples = "ignore")
                @Nullable Scalar foreignWrites) {

    static final String FOREIGN = "(watch|ignore)";

    static final String SCHEDULE = "(" + Durations.PATTERN + "|[-0-9*/,]+( +[-0-9*/,]+){4})";

    private static final double LEAST_SHARE = 0.01;
    private static final Duration LEAST = Duration.ofMinutes(1);
    private static final Duration MOST = Duration.ofDays(31);

    /// @param form `null` if the key is absent
    static ReconcileSetting check(@Nullable ReconcileForm form, Problems problems) {
        return form == null
                ? ReconcileSetting.DEFAULT
                : new ReconcileSetting(
                        schedule(form.schedule(), problems),
                        schedule(form.incremental(), problems),
                        form.load(problems),
                        form.watches(problems));
    }

    private boolean watches(Problems problems) {
        if (foreignWrites == null) {
            return true;
        }
        return switch (foreignWrites.text()) {
            case "watch" -> true;
            case "ignore" -> false;
            default -> {
                problems.add(foreignWrites, "must be watch or ignore", "");
                yield true;
            }
        };
    }

    private ReconcileSetting.Load load(Problems problems) {
        ReconcileSetting.Load standard = ReconcileSetting.Load.DEFAULT;
        Durations durations = new Durations(problems);
        return new ReconcileSetting.Load(
                share(problems).orElse(standard.share()),
                durations.within(
                        Duration.ofMillis(50),
                        Duration.ofMinutes(1),
                        "a longer read keeps a snapshot open, a shorter one costs more than it"
                                + " reads",
                        chunkTime,
                        standard.chunkTime()),
                sessions(problems).orElse(standard.parallel()),
                Optional.ofNullable(statementTimeout)
                        .map(
                                timeout ->
                                        durations.within(
                                                Duration.ofSeconds(1),
                                                Duration.ofDays(7),
                                                "a statement reads a small table or a range",
                                                timeout,
                                                Duration.ofMinutes(10))));
    }

    private OptionalDouble share(Problems problems) {
        if (maxLoad == null) {
            return OptionalDouble.empty();
        }
        if (maxLoad.text().matches("0\\.[0-9]{1,4}|1(\\.0+)?")) {
            double share = Double.parseDouble(maxLoad.text());
            if (share >= LEAST_SHARE) {
                return OptionalDouble.of(share);
            }
        }
        problems.add(maxLoad, "must be a share from 0.01 to 1", "set it to 0.25, for example");
        return OptionalDouble.empty();
    }

    private OptionalInt sessions(Problems problems) {
        if (parallel == null) {
            return OptionalInt.empty();
        }
        if (parallel.text().matches("[1-" + ReconcileSetting.Load.MOST_PARALLEL + "]")) {
            return OptionalInt.of(Integer.parseInt(parallel.text()));
        }
        problems.add(
                parallel,
                "must be a number from 1 to "
                        + ReconcileSetting.Load.MOST_PARALLEL
                        + ", for which 'millrace plan' checks the limits of both servers",
                "");
        return OptionalInt.empty();
    }

    private static Schedule schedule(@Nullable Scalar scalar, Problems problems) {
        if (scalar == null) {
            return Schedule.NEVER;
        }
        String text = scalar.text().strip();
        if (text.matches(Durations.PATTERN)) {
            return new Schedule.Every(
                    new Durations(problems)
                            .within(
                                    LEAST,
                                    MOST,
                                    "each comparison reads both sides",
                                    scalar,
                                    Duration.ofDays(1)));
        }
        Optional<Schedule.Cron> cron = Schedule.Cron.parse(text);
        if (cron.isEmpty()) {
            problems.add(
                    scalar,
                    "is neither a duration nor five fields of numbers (minute, hour, day, month,"
                            + " day of the week) that meet a day",
                    "set it to 24h or to '15 3 * * *', for example");
            return Schedule.NEVER;
        }
        return cron.get();
    }
}

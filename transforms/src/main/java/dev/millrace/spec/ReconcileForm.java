package dev.millrace.spec;

import dev.millrace.spec.SpecForm.Setting;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Binds `reconcile` and checks it. [SpecForm] has the rules.
record ReconcileForm(
        @Setting(
                        value =
                                "When the service compares all rows by itself: a duration such as"
                                        + " 24h since the beginning of the last time (1m to 31d), or"
                                        + " five fields as cron reads them, in UTC. Without it, only"
                                        + " on request.",
                        pattern = ReconcileForm.SCHEDULE,
                        examples = {"24h", "15 3 * * *"})
                @Nullable Scalar schedule) {

    static final String SCHEDULE =
            "(" + Durations.PATTERN + "|[-0-9*/,]+( +[-0-9*/,]+){4})";

    private static final Duration LEAST = Duration.ofMinutes(1);
    private static final Duration MOST = Duration.ofDays(31);

    /// @param form `null` if the key is absent
    static ReconcileSetting check(@Nullable ReconcileForm form, Problems problems) {
        return form == null
                ? ReconcileSetting.DEFAULT
                : new ReconcileSetting(schedule(form.schedule(), problems));
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

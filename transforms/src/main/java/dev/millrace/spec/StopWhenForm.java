package dev.millrace.spec;

import dev.millrace.problem.NearestName;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.FlowSetting.WalExit;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.spec.flow.StopCondition.Unit;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Binds an entry of `stop-when` and checks it. [SpecForm] has the rules.
@AtMostOne({"metric", "sql", "http", "between"})
record StopWhenForm(
        @Setting(
                        value = "What is measured, once a second.",
                        pattern = StopWhenForm.METRIC,
                        examples = "target.commit.p95")
                @Nullable Scalar metric,
        @Setting(
                        value =
                                "A SELECT that gives one number, in place of a metric. It runs once"
                                        + " a second, READ ONLY and for at most a second.",
                        examples = "SELECT count(*) FROM app.job WHERE state = 'waiting'")
                @Nullable Scalar sql,
        @Setting(value = "Where the SELECT runs.", pattern = "(source|target)", examples = "target")
                @Nullable Scalar on,
        @Setting(
                        value =
                                "An address, in place of a metric. It is asked once a second. The"
                                        + " condition holds unless it answers with 200 within 2s.",
                        examples = "http://127.0.0.1:9000/may-migrate",
                        secret = true)
                @Nullable Scalar http,
        @Setting(
                        value =
                                "A time of the day (UTC without a zone), in place of a metric."
                                        + " Within it the condition holds.",
                        pattern = StopWhenForm.BETWEEN,
                        examples = "08:00-18:30 Europe/Berlin")
                @Nullable Scalar between,
        @Setting(
                        value = "The name in the status. Without it, the metric's.",
                        pattern = StopCondition.NAME,
                        examples = "jobs-waiting")
                @Nullable Scalar name,
        @Setting(
                        value =
                                "The limit: a duration for target.commit.p95, a size in kB, MB, GB or"
                                        + " TB for replication-lag and wal-retained, otherwise a"
                                        + " number. Not with http and between.",
                        examples = "200ms")
                @Nullable Scalar above,
        @Setting(
                        value =
                                "For how long the metric must be above the limit (1s to 1h), and below"
                                        + " 80 % of it until the flow continues.",
                        key = "for",
                        pattern = Durations.PATTERN,
                        standard = "10s",
                        examples = "30s")
                @Nullable Scalar sustained,
        @Setting(
                        value =
                                "What is held meanwhile. pause-backfill: no existing row is read."
                                        + " pause: nor is anything written to the target."
                                        + " slow-backfill, slow: the same, but step by step slower."
                                        + " block-switchover: no switchover begins. rollback: after"
                                        + " a switchover, the traffic is moved back.",
                        required = true,
                        pattern =
                                "(pause-backfill|pause|slow-backfill|slow|block-switchover|rollback)",
                        examples = "pause-backfill")
                @Nullable Scalar then) {

    static final String METRIC =
            "(target\\.commit\\.p95|target\\.lock-waits|(target|source)\\.(active-sessions|replication-lag)|source\\.wal-retained)";

    static final String BETWEEN =
            "([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]( [A-Za-z0-9_+/-]+)?";

    /// @param routed whether Millrace routes the traffic itself
    static List<StopCondition> check(
            @Nullable List<StopWhenForm> forms,
            Backfill backfill,
            boolean routed,
            Problems problems) {
        Map<String, StopCondition> conditions = new HashMap<>();
        List<StopCondition> inOrder = new ArrayList<>();
        for (StopWhenForm form : forms == null ? List.<StopWhenForm>of() : forms) {
            StopCondition checked = form.check(backfill, routed, problems);
            Scalar at = form.name != null ? form.name : form.metric;
            if (checked == null || at == null) {
                continue;
            }
            if (conditions.putIfAbsent(checked.name(), checked) != null) {
                problems.add(at, "names a second condition", "give it another name");
            }
            inOrder.add(checked);
        }
        return List.copyOf(inOrder);
    }

    static OptionalLong size(@Nullable Scalar size, Problems problems) {
        if (size == null) {
            return OptionalLong.empty();
        }
        OptionalLong bytes = Unit.bytes(size.text().strip());
        if (bytes.isEmpty()) {
            problems.add(size, "must be " + Unit.BYTES.form(), "");
        }
        return bytes;
    }

    static WalExit walExit(@Nullable Scalar exit, Problems problems) {
        String known = "must be keep or drop-slot";
        WalExit read =
                exit == null ? null : valid(WalExit.of(exit.text()), exit, known, "", problems);
        return read == null ? WalExit.KEEP : read;
    }

    private @Nullable StopCondition check(Backfill backfill, boolean routed, Problems problems) {
        Measure measure = measure(problems);
        if (measure == null || then == null) {
            return null;
        }
        Scalar called = name != null ? name : metric;
        if (called == null) {
            problems.add(then, "belongs to a condition without a name", "add name");
            return null;
        }
        FlowSetting.refusalOfName(called.text())
                .ifPresent(why -> problems.add(called, why.what(), why.remedy()));
        OptionalDouble limit = limit(measure, problems);
        Consequence consequence =
                valid(Consequence.of(then.text()), then, Consequence.FORM, "", problems);
        if (consequence != null) {
            consequence
                    .refusal(measure, backfill == Backfill.WINDOWS, routed)
                    .ifPresent(why -> problems.add(then, why.what(), why.remedy()));
        }
        Duration lasting =
                new Durations(problems)
                        .within(
                                Duration.ofSeconds(1),
                                Duration.ofHours(1),
                                "metrics are read once a second",
                                sustained,
                                measure instanceof Measure.Window
                                        ? Duration.ofSeconds(1)
                                        : StopCondition.SUSTAINED);
        return limit.isEmpty() || consequence == null
                ? null
                : new StopCondition(
                        called.text(), measure, limit.getAsDouble(), lasting, consequence);
    }

    /// Of what is either so or not, the limit is between 0 and 1.
    private OptionalDouble limit(Measure measure, Problems problems) {
        boolean isYesOrNo = measure.isYesOrNo();
        if (above == null) {
            if (!isYesOrNo) {
                problems.add(Objects.requireNonNull(then), "belongs to no limit", "add above");
            }
            return isYesOrNo ? OptionalDouble.of(0) : OptionalDouble.empty();
        }
        if (isYesOrNo) {
            problems.add(above, "is no limit of http or between", "remove it");
            return OptionalDouble.empty();
        }
        OptionalDouble limit = measure.unit().parse(above.text().strip());
        if (limit.isEmpty()) {
            problems.add(above, "must be " + measure.unit().form(), "");
        }
        return limit;
    }

    private @Nullable Measure measure(Problems problems) {
        if (sql == null && on != null) {
            problems.add(on, "belongs to sql", "remove it");
        }
        if (metric != null) {
            List<String> known = Stream.of(Metric.values()).map(Metric::id).toList();
            return valid(
                    Metric.of(metric.text()).map(Measure.BuiltIn::new),
                    metric,
                    "must be one of " + String.join(", ", known),
                    NearestName.hint(metric.text(), known),
                    problems);
        }
        if (http != null) {
            return valid(
                    Measure.HttpCheck.of(http.text().strip()),
                    http,
                    "must be a URL with http or https, a host and no password",
                    "",
                    problems);
        }
        if (between != null) {
            return valid(
                    Measure.Window.of(between.text().strip()),
                    between,
                    "must be two times of the day and a time zone",
                    "write 22:00-06:00 Europe/Berlin",
                    problems);
        }
        if (sql == null) {
            if (then != null) {
                problems.add(then, "belongs to no metric", "add metric, sql, http or between");
            }
            return null;
        }
        String statement = QueryForm.one(sql, problems);
        if (on == null) {
            problems.add(sql, "has no database", "add on: source, or on: target");
            return null;
        }
        Side side = valid(Side.of(on.text()), on, "must be source or target", "", problems);
        return side == null ? null : new Measure.Scalar(side, statement);
    }

    private static <T> @Nullable T valid(
            Optional<T> read, Scalar at, String what, String remedy, Problems problems) {
        if (read.isEmpty()) {
            problems.add(at, what, remedy);
        }
        return read.orElse(null);
    }
}

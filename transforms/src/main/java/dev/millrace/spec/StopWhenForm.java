package dev.millrace.spec;

import dev.millrace.problem.NearestName;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.spec.flow.StopCondition.Unit;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Binds an entry of `stop-when` and checks it. [SpecForm] has the rules.
@AtMostOne({"metric", "sql"})
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
                        value = "The name in the status. Without it, the metric's.",
                        pattern = StopCondition.NAME,
                        examples = "jobs-waiting")
                @Nullable Scalar name,
        @Setting(
                        value =
                                "The limit: a duration for target.commit.p95, a size in kB, MB, GB or"
                                        + " TB for replication-lag and wal-retained, otherwise a"
                                        + " number.",
                        required = true,
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
                                        + " block-switchover: no switchover begins.",
                        required = true,
                        pattern = "(pause-backfill|pause|block-switchover)",
                        examples = "pause-backfill")
                @Nullable Scalar then) {

    static final String METRIC =
            "(target\\.commit\\.p95|target\\.lock-waits|(target|source)\\.replication-lag|source\\.wal-retained)";

    static List<StopCondition> check(
            @Nullable List<StopWhenForm> forms, Backfill backfill, Problems problems) {
        Map<String, StopCondition> conditions = new HashMap<>();
        List<StopCondition> inOrder = new ArrayList<>();
        for (StopWhenForm form : forms == null ? List.<StopWhenForm>of() : forms) {
            StopCondition checked = form.check(backfill, problems);
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
        OptionalDouble bytes = Unit.BYTES.parse(size.text().strip());
        if (bytes.isEmpty()) {
            problems.add(size, "must be " + Unit.BYTES.form(), "");
            return OptionalLong.empty();
        }
        return OptionalLong.of((long) bytes.getAsDouble());
    }

    private @Nullable StopCondition check(Backfill backfill, Problems problems) {
        Measure measure = measure(problems);
        if (measure == null || above == null || then == null) {
            return null;
        }
        Scalar called = name != null ? name : metric;
        if (called == null) {
            problems.add(above, "belongs to a condition without a name", "add name");
            return null;
        }
        if (!called.text().matches(StopCondition.NAME)) {
            problems.add(
                    called, "is not a name", "use at most 60 of a-z, A-Z, 0-9, '.', '_' and '-'");
        }
        if (called.text().equals(FlowSetting.WAL_BUDGET)) {
            problems.add(called, "is the name of the condition of wal-budget", "use another name");
        }
        OptionalDouble limit = measure.unit().parse(above.text().strip());
        if (limit.isEmpty()) {
            problems.add(above, "must be " + measure.unit().form(), "");
        }
        Consequence consequence = Consequence.of(then.text()).orElse(null);
        if (consequence == null) {
            problems.add(
                    then,
                    "must be pause-backfill, pause or block-switchover",
                    then.text().equals("rollback") ? "rollback is not yet supported" : "");
        } else if (consequence == Consequence.PAUSE_BACKFILL && backfill == Backfill.ENGINE) {
            problems.add(then, "cannot pause a backfill of the engine", "set backfill: windows");
        }
        Duration lasting =
                new Durations(problems)
                        .within(
                                Duration.ofSeconds(1),
                                Duration.ofHours(1),
                                "metrics are read once a second",
                                sustained,
                                StopCondition.SUSTAINED);
        return limit.isEmpty() || consequence == null
                ? null
                : new StopCondition(
                        called.text(), measure, limit.getAsDouble(), lasting, consequence);
    }

    private @Nullable Measure measure(Problems problems) {
        if (sql == null && metric == null) {
            if (above != null) {
                problems.add(above, "is a limit of nothing", "add metric, or sql with on");
            }
            return null;
        }
        if (sql == null) {
            if (on != null) {
                problems.add(on, "belongs to sql, and this is a metric", "remove it");
            }
            return metric(metric, problems);
        }
        String statement = QueryForm.one(sql, problems);
        if (on == null) {
            problems.add(sql, "has no database", "add on: source, or on: target");
            return null;
        }
        return switch (on.text()) {
            case "source" -> new Measure.Scalar(Side.SOURCE, statement);
            case "target" -> new Measure.Scalar(Side.TARGET, statement);
            default -> {
                problems.add(on, "must be source or target", "");
                yield null;
            }
        };
    }

    private static @Nullable Measure metric(@Nullable Scalar metric, Problems problems) {
        if (metric == null) {
            return null;
        }
        List<String> known = Stream.of(Metric.values()).map(Metric::id).toList();
        return Metric.of(metric.text())
                .<Measure>map(Measure.BuiltIn::new)
                .orElseGet(
                        () -> {
                            problems.add(
                                    metric,
                                    "must be one of "
                                            + known.stream().collect(Collectors.joining(", ")),
                                    NearestName.hint(metric.text(), known));
                            return null;
                        });
    }
}

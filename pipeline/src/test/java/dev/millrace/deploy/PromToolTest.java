package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/// Checks and tests the alert rules with promtool. Without promtool these tests are skipped.
class PromToolTest {

    private static final Checkout REPOSITORY = Checkout.repository();
    private static final List<String> SERIES =
            List.of("a{instance=\"m\",b=\"c\",x=\"1\"}", "b_total{instance=\"m\",b=\"c\",x=\"1\"}");

    @Test
    void everyAlertHasATestInWhichItFires() {
        MonitoringFiles.Rules rules =
                StrictYaml.camel(REPOSITORY, MonitoringFiles.RULES, MonitoringFiles.Rules.class);

        assertThat(PromTool.AlertTests.read().firing())
                .containsExactlyInAnyOrderElementsOf(
                        rules.groups().stream()
                                .flatMap(group -> group.rules().stream())
                                .map(MonitoringFiles.Rule::alert)
                                .toList());
    }

    @Test
    void alertsFireAsDeclared() {
        requirePromTool();

        assertThat(
                        PromTool.test(
                                REPOSITORY.text(MonitoringFiles.RULES), PromTool.AlertTests.text()))
                .isEmpty();
    }

    @Test
    void theOperatorsRulesAreValid() {
        requirePromTool();
        Object rule =
                StrictYaml.documents(
                                MonitoringFiles.OPERATOR_RULES,
                                REPOSITORY.text(MonitoringFiles.OPERATOR_RULES))
                        .getFirst();
        Object spec = Overlay.map(Overlay.asMap(MonitoringFiles.OPERATOR_RULES, rule), "spec");

        assertThat(PromTool.check(JsonMapper.shared().writeValueAsString(spec))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {phase="FAILED"}                     | {state="FAILED"}                  | MillraceFailed
                    {phase="FAILED"}                     | {phase="FAILURE"}                 | MillraceFailed
                    $labels.part                         | $labels.name                      | MillraceComponentUnhealthy
                    {part!~"reverse-.*"} == 0            | {part!~"reverse-.*"} == 1         | MillraceComponentUnhealthy
                    part!~"reverse-.*"                   | part!~"none"                      | MillraceComponentUnhealthy
                    {part=~"reverse-.*"}                 | {part=~"back-.*"}                 | MillraceReverseStreamDown
                    millrace_slot_active == 0            | millrace_slot_active == 1         | MillraceSlotInactive
                    lag_topic_records[10m]) > 0          | lag_topic_records[10m]) >= 0      | MillraceLagStalled
                    min_over_time(                       | max_over_time(                    | MillraceLagStalled
                    committed_offset[10m]) == 0          | committed_offset[10m]) >= 0       | MillraceLagStalled
                    backfill_rows[15m])) == 0            | backfill_rows[15m])) >= 0         | MillraceProgressStalled
                    unless on (instance) millrace_backfill_eta_seconds == 0 | unless on (instance) millrace_backfill_eta_seconds == 7 | MillraceProgressStalled
                    14 * 86400                           | 1 * 86400                         | MillraceCertificateExpires
                    millrace_table_stopped > 0           | millrace_table_stopped >= 0       | MillraceTableStopped
                    millrace_rejected_keys > 0           | millrace_rejected_keys >= 0       | MillraceKeysRejected
                    unless on (instance)                 | and on (instance)                 | MillraceLagUnknown
                    > 60                                 | > 6000                            | MillraceLagHigh
                    humanize1024                         | humanize2048                      | humanize2048
                    > 2e9                                | > 2e12                            | MillraceWalRetained
                    _total[5m]) == 0                     | _total[5m]) > 0                   | MillraceApplyStalled
                    {verdict="different"}                | {verdict="equal"}                 | MillraceDifferencesFound
                    foreign_rows > 0                     | foreign_rows > 9                  | MillraceTargetWritten
                    journal_broken == 1                  | journal_broken == 0               | MillraceJournalBroken
                    26 * 3600                            | 26 * 360                          | MillraceReconciliationOld
                    {job="millrace"}                     | {job="shop"}                      | MillraceDown
                    for: 2m                              | for: 2h                           | MillraceDown
                    {severity: warning}                  | {severity: mild}                  | severity
                    rate(                                | rates(                            | rates
                    expr:                                | expression:                       | expression
                    """)
    void reportsAFaultInTheRules(String text, String fault, String reported) {
        requirePromTool();
        Checkout planted = REPOSITORY.with(MonitoringFiles.RULES, text, fault);

        String tests =
                reported.startsWith("Millrace")
                        ? PromTool.AlertTests.of(reported)
                        : PromTool.AlertTests.text();

        assertThat(PromTool.test(planted.text(MonitoringFiles.RULES), tests))
                .hasValueSatisfying(output -> assertThat(output).contains(reported));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "a > 0.5",
                "absent(up{job=\"x\"} == 1)",
                "a > 0 and on (instance) rate(b_total[5m]) == 0",
                "sum by (x) (a > bool 0)",
                "clamp_max(a / on (b) (b_total > 0), 1)",
                "time() - a{b=\"c\",x=~\"1.*\"}"
            })
    void evaluatesExpressionsOverKnownSeries(String expression) {
        requirePromTool();

        assertThat(PromTool.evaluate(expression, SERIES)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "rat(a[1m])",
                "a{b}",
                "{b=\"none\"}",
                "(a",
                "a)",
                "a ~ b",
                "sum by x (a)",
                "unknown_metric",
                "a{unknown=\"label\"}"
            })
    void reportsInvalidExpressionsAndUnknownSeries(String expression) {
        requirePromTool();

        assertThat(PromTool.evaluate(expression, SERIES)).isPresent();
    }

    private static void requirePromTool() {
        assumeTrue(PromTool.isInstalled(), PromTool.MISSING);
    }
}

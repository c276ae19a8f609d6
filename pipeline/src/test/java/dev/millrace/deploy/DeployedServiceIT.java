package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.ServiceScene;
import dev.millrace.rollback.RollbackPrice.ReverseLag;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Runs what Compose and Kubernetes would run: their commands with their environments, files and
/// scripts, with servers of this machine.
@Tag("packaged")
class DeployedServiceIT {

    private static final Checkout REPOSITORY = Checkout.repository();
    private static ServiceRun compose;
    private static ServiceRun kubernetes;

    @BeforeAll
    static void runServices() throws Exception {
        Deployment composed = Deployment.ofCompose(REPOSITORY);
        Deployment orchestrated = Deployment.ofKubernetes(REPOSITORY);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<ServiceRun> one = threads.submit(() -> ServiceRun.of(composed, REPOSITORY));
            Future<ServiceRun> other =
                    threads.submit(() -> ServiceRun.of(orchestrated, REPOSITORY));
            compose = one.get();
            kubernetes = other.get();
        }
    }

    static Stream<Arguments> runs() {
        return Stream.of(
                Arguments.argumentSet("Compose", compose),
                Arguments.argumentSet("Kubernetes", kubernetes));
    }

    @ParameterizedTest
    @MethodSource("runs")
    void plansMigratesAndReconcilesAsEqual(ServiceRun run) {
        assertThat(run.plan()).as("plan").isZero();
        assertThat(run.planned().lines())
                .filteredOn(line -> line.contains(" switchover."))
                .filteredOn(line -> !line.startsWith("ok "))
                .isEmpty();
        assertThat(run.reconcile()).as(run.verdict()).isZero();
        assertThat(run.verdict()).contains("crm.customer", "sales.order_line");
    }

    @ParameterizedTest
    @MethodSource("runs")
    void onlyProbesNeedNoToken(ServiceRun run) {
        assertThat(run.withoutToken())
                .containsEntry("/actuator/health/liveness", 200)
                .containsEntry("/actuator/health/readiness", 200)
                .containsEntry("/actuator/prometheus", 401)
                .containsEntry("/api/v1/status", 401);
    }

    @ParameterizedTest
    @MethodSource("runs")
    void stopsOnSigtermWithinTheGracePeriod(ServiceRun run) {
        assertThat(run.exit()).as(run.output()).isIn(0, 143);
        assertThat(run.output()).contains("drained");
    }

    @ParameterizedTest
    @MethodSource("runs")
    void metricsHaveBaseUnitsAndBoundedLabels(ServiceRun run) {
        assertThat(MetricNames.check(run.metrics())).isEmpty();
    }

    /// The image sets the format, and both run it without a terminal.
    @ParameterizedTest
    @MethodSource("runs")
    void logsOneEcsDocumentPerLine(ServiceRun run) {
        assertThat(run.output().lines())
                .isNotEmpty()
                .allSatisfy(
                        line -> {
                            JsonNode event = JsonMapper.shared().readTree(line);
                            assertThat(event.path("@timestamp").isString()).as(line).isTrue();
                            assertThat(event.path("log").path("level").asString())
                                    .isIn("INFO", "WARN", "ERROR");
                            assertThat(event.path("message").isString()).isTrue();
                            assertThat(event.path("ecs").path("version").isString()).isTrue();
                        });
    }

    @ParameterizedTest
    @MethodSource("runs")
    void printsNoSecret(ServiceRun run) {
        assertThat(run.output() + run.verdict()).doesNotContain("change-me");
    }

    @Test
    void composeHealthCheckPassesOnlyWhenReady() {
        assertThat(compose.healthCheckBefore()).isNotZero();
        assertThat(compose.healthCheck()).isZero();
    }

    @Test
    void everyPanelHasAResult() throws Exception {
        assumeTrue(PromTool.isInstalled(), PromTool.MISSING);

        assertThat(MonitoringCheck.evaluate(REPOSITORY, exported())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    overview.json | millrace_phase == 1            | millrace_phase == 2            | panel Phase
                    overview.json | sum(millrace_table_stopped)    | add(millrace_table_stopped)    | panel Stopped tables
                    pipeline.json | millrace_lag_source_bytes      | millrace_lag_source            | panel WAL retained
                    pipeline.json | rate(millrace_batches_total[1m]) | rate(millrace_batches_total)   | panel Target transactions
                    """)
    void aPanelWithoutResultIsReported(String file, String text, String fault, String reported)
            throws Exception {
        assumeTrue(PromTool.isInstalled(), PromTool.MISSING);
        Checkout planted = REPOSITORY.with(MonitoringFiles.DASHBOARD_FOLDER + file, text, fault);

        assertThat(MonitoringCheck.evaluate(planted, exported()))
                .anySatisfy(one -> assertThat(one).contains(reported));
    }

    /// Without a switchover, a service exports no metric of the way back, and without certificates
    /// none of them.
    private static Scrape exported() throws Exception {
        try (ServiceScene switched =
                ServiceScene.over(
                        FakeMigration.switched(new ReverseLag(2048L, 3L, 0.5, 1_000_000L)))) {
            return compose.scrape()
                    .with(
                            Scrape.of(switched.http.get("/actuator/prometheus").body()),
                            Pattern.compile(
                                    "millrace_(reverse|rollback|switchover|certificate)_.*"));
        }
    }

    @Test
    void alertsAndDashboardUseExportedMetrics() throws Exception {
        assertThat(MonitoringCheck.run(REPOSITORY, exported())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    pipeline/src/compose/prometheus/rules.yaml | millrace_lag_records > 0     | millrace_lag_rows > 0         | no service exports millrace_lag_rows
                    pipeline/src/compose/prometheus/rules.yaml | millrace_rows_applied_total  | millrace_rows_applied         | no service exports millrace_rows_applied
                    pipeline/src/compose/prometheus/rules.yaml | $labels.part                 | $labels.name                  | shows the label name
                    pipeline/src/compose/prometheus/rules.yaml | {job="millrace"}             | {job="shop"}                  | no scrape job shop
                    pipeline/src/compose/prometheus/rules.yaml | {severity: warning}          | {severity: mild}              | has no severity
                    pipeline/src/compose/prometheus/rules.yaml | description:                 | details:                      | needs exactly a summary
                    pipeline/src/compose/prometheus/rules.yaml | runbooks/MillraceDown         | runbooks/MillraceUp           | has the runbook of another alert
                    k8s/overlays/prometheus-operator/dashboards/pipeline.json | debezium_streaming_queue_bytes | debezium_queue | no service exports debezium_queue
                    k8s/overlays/prometheus-operator/dashboards/pipeline.json | millrace-pipeline  | millrace-overview  | has the uid of another dashboard
                    pipeline/src/compose/prometheus/rules.yaml | expr:                        | expression:                   | expression
                    pipeline/src/compose/prometheus/rules.yaml | 5m                           | 6m                            | differs from
                    k8s/overlays/prometheus-operator/dashboards/overview.json | millrace_part_well | millrace_part_good     | no service exports millrace_part_good
                    k8s/overlays/prometheus-operator/dashboards/overview.json | {{target}}         | {{table}}              | shows the label table
                    k8s/overlays/prometheus-operator/dashboards/pipeline.json | rate(millrace_batches_total[1m]) | time()   | not used by any alert
                    k8s/overlays/prometheus-operator/dashboards/overview.json | "legendFormat"     | "legend"               | legend
                    k8s/overlays/prometheus-operator/dashboards/overview.json | "name": "datasource" | "name": "source"     | another data source than the selected one
                    """)
    void reportsAFaultInAlertsOrDashboard(String file, String text, String fault, String reported)
            throws Exception {
        Checkout planted = REPOSITORY.with(file, text, fault);

        assertThat(MonitoringCheck.run(planted, exported()))
                .anySatisfy(one -> assertThat(one).contains(reported));
    }
}

package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What Compose and Kubernetes would start, started: their commands, environments, files and
/// scripts, beside servers of this machine.
@Tag("packaged")
class DeployedServiceIT {

    private static final Checkout REPOSITORY = Checkout.repository();
    private static Life compose;
    private static Life kubernetes;

    @BeforeAll
    static void live() throws Exception {
        Deployment composed = Deployment.ofCompose(REPOSITORY);
        Deployment orchestrated = Deployment.ofKubernetes(REPOSITORY);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Future<Life> one = threads.submit(() -> Life.of(composed, REPOSITORY));
            Future<Life> other = threads.submit(() -> Life.of(orchestrated, REPOSITORY));
            compose = one.get();
            kubernetes = other.get();
        }
    }

    static Stream<Arguments> lives() {
        return Stream.of(
                Arguments.argumentSet("Compose", compose),
                Arguments.argumentSet("Kubernetes", kubernetes));
    }

    @ParameterizedTest
    @MethodSource("lives")
    void isPlannedMigratesAndIsProvedEqual(Life life) {
        assertThat(life.plan()).as("plan").isZero();
        assertThat(life.reconcile()).as(life.verdict()).isZero();
        assertThat(life.verdict()).contains("crm.customer", "sales.order_line");
    }

    @ParameterizedTest
    @MethodSource("lives")
    void showsItsHealthToAllAndTheRestToBearersOfTheToken(Life life) {
        assertThat(life.withoutToken())
                .containsEntry("/actuator/health/liveness", 200)
                .containsEntry("/actuator/health/readiness", 200)
                .containsEntry("/actuator/prometheus", 401)
                .containsEntry("/api/v1/status", 401);
    }

    @ParameterizedTest
    @MethodSource("lives")
    void endsOnSigtermWithinItsGracePeriod(Life life) {
        assertThat(life.exit()).as(life.said()).isIn(0, 143);
        assertThat(life.said()).contains("drained");
    }

    @ParameterizedTest
    @MethodSource("lives")
    void printsNoSecret(Life life) {
        assertThat(life.said() + life.verdict()).doesNotContain("change-me");
    }

    @Test
    void composesHealthCheckTellsReadyFromNotThere() {
        assertThat(compose.healthCheckBefore()).isNotZero();
        assertThat(compose.healthCheck()).isZero();
    }

    @Test
    void alertsAndDashboardUseWhatTheServiceTells() {
        assertThat(MonitoringCheck.judge(REPOSITORY, compose.scrape())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    pipeline/src/compose/prometheus/rules.yaml | millrace_lag_records > 0     | millrace_lag_rows > 0         | no service tells millrace_lag_rows
                    pipeline/src/compose/prometheus/rules.yaml | millrace_rows_applied_total  | millrace_rows_applied         | no service tells millrace_rows_applied
                    pipeline/src/compose/prometheus/rules.yaml | {phase="FAILED"}             | {state="FAILED"}              | no series has the labels [state]
                    pipeline/src/compose/prometheus/rules.yaml | $labels.part                 | $labels.name                  | shows the label name
                    pipeline/src/compose/prometheus/rules.yaml | {job="millrace"}             | {job="shop"}                  | nothing is scraped as shop
                    pipeline/src/compose/prometheus/rules.yaml | {severity: warning}          | {severity: mild}              | has no severity
                    pipeline/src/compose/prometheus/rules.yaml | description:                 | details:                      | doesn't say what is the matter
                    pipeline/src/compose/prometheus/rules.yaml | rate(                        | rates(                        | the function rates
                    pipeline/src/compose/prometheus/rules.yaml | expr:                        | expression:                   | expression
                    pipeline/src/compose/prometheus/rules.yaml | 5m                           | 6m                            | holds other rules
                    k8s/overlays/prometheus-operator/dashboards/millrace.json | millrace_part_well | millrace_part_good     | no service tells millrace_part_good
                    k8s/overlays/prometheus-operator/dashboards/millrace.json | {{target}}         | {{table}}              | shows the label table
                    k8s/overlays/prometheus-operator/dashboards/millrace.json | rate(millrace_batches_total[1m]) | time()   | looks at it
                    k8s/overlays/prometheus-operator/dashboards/millrace.json | "legendFormat"     | "legend"               | legend
                    k8s/overlays/prometheus-operator/dashboards/millrace.json | "name": "datasource" | "name": "source"     | another source than the chosen one
                    """)
    void aFaultInAlertsOrDashboardIsTold(String file, String text, String fault, String told) {
        Checkout planted = REPOSITORY.with(file, text, fault);

        assertThat(MonitoringCheck.judge(planted, compose.scrape()))
                .anySatisfy(one -> assertThat(one).contains(told));
    }
}

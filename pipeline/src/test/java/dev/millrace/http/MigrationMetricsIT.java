package dev.millrace.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.ServiceScene;
import dev.millrace.deploy.MetricNames;
import dev.millrace.migration.StatusReport;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rollback.RollbackPrice.ReverseLag;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Tests the exported metrics: an unknown value has no sample.
class MigrationMetricsIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    @Test
    void exportsEveryMetric() {
        scene.migration.last =
                new StatusReport.LastReconciliation(
                        "equal", FakeMigration.NOON.plusSeconds(60), FakeMigration.NOON);

        String metrics = scene.http.get("/actuator/prometheus").body();

        assertThat(metrics.lines())
                .contains(
                        "millrace_lag_source_bytes 1024.0",
                        "millrace_lag_records 7.0",
                        "millrace_slot_safe_wal_bytes 5000.0",
                        "millrace_lag_end_to_end_seconds 0.25",
                        "millrace_lag_source_seconds 2.5",
                        "millrace_lag_capture_bytes 256.0",
                        "millrace_lag_capture_seconds 0.5",
                        "millrace_lag_topic_records{partition=\"0\",topic=\"changes\"} 3.0",
                        "millrace_lag_topic_records{partition=\"1\",topic=\"target\"} 0.0",
                        "millrace_lag_topic_seconds{partition=\"0\",topic=\"changes\"} 1.5",
                        "millrace_topic_committed_offset{partition=\"0\",topic=\"changes\"} 7.0",
                        "millrace_slot_active 1.0",
                        "millrace_traffic{side=\"source\"} 1.0",
                        "millrace_info{migration=\"shop\",version=\"development\"} 1",
                        "millrace_server_info{server=\"source\",version=\"17.6\"} 1",
                        "millrace_server_latency_seconds{server=\"source\"} 0.002",
                        "millrace_server_lock_waits{server=\"source\"} 1.0",
                        "hikaricp_connections_active{pool=\"source\"} 1.0",
                        "hikaricp_connections_pending{pool=\"target\"} 3.0",
                        "millrace_certificate_expiry_timestamp_seconds{certificate=\"source server\"} 1.7673552E9",
                        "millrace_backfill_eta_seconds 120.0",
                        "millrace_log_bytes{topic=\"changes\"} 7000.0",
                        "millrace_log_bytes{topic=\"target\"} 3000.0",
                        "millrace_apply_paused 0.0",
                        "millrace_backfill_paused 0.0",
                        "millrace_wal_retained_bytes 3.0E9",
                        "millrace_wal_budget_bytes 1.0E10",
                        "millrace_wal_growth_bytes_per_second 2000000.0",
                        "millrace_stop_condition_held{condition=\"slow\"} 0.0",
                        "millrace_stop_condition_ratio{condition=\"slow\"} 0.25",
                        "millrace_rebackfill_required 0.0",
                        "millrace_phase{phase=\"CATCHING_UP\"} 1.0",
                        "millrace_events_total 100.0",
                        "millrace_rows_applied_total 90.0",
                        "millrace_batches_total 9.0",
                        "millrace_backfill_rows{target=\"crm.customer\"} 10.0",
                        "millrace_backfill_rows_estimated{target=\"crm.customer\"} 40.0",
                        "millrace_rejected{target=\"crm.customer\"} 2.0",
                        "millrace_rejected{target=\"crm.note\"} 0.0",
                        "millrace_rejected_keys{target=\"crm.customer\"} 1.0",
                        "millrace_rejected_keys{target=\"crm.note\"} 0.0",
                        "millrace_held_keys{target=\"crm.customer\"} 3.0",
                        "millrace_held_keys{target=\"crm.note\"} 0.0",
                        "millrace_table_stopped{target=\"crm.customer\"} 1.0",
                        "millrace_table_stopped{target=\"crm.note\"} 0.0",
                        "millrace_part_well{part=\"capture\"} 1.0",
                        "millrace_part_well{part=\"applier\"} 0.0",
                        "millrace_target_foreign_rows 0.0",
                        "millrace_journal_broken 0.0",
                        "millrace_reconciliation_verdict{verdict=\"equal\"} 1.0",
                        "millrace_reconciliation_verdict{verdict=\"different\"} 0.0",
                        "millrace_reconciliation_finished_timestamp_seconds 1.7673552E9");
        assertThat(metrics)
                .contains("jvm_memory_used_bytes", "process_uptime_seconds")
                .doesNotContain(
                        "millrace_backfill_rows_estimated{target=\"crm.note\"}",
                        "millrace_catch_up_eta_seconds",
                        "millrace_server_lock_waits{server=\"target\"}",
                        "millrace_server_slow_queries{",
                        "millrace_lag_topic_records{partition=\"1\",topic=\"changes\"}");
    }

    @Test
    void exportsWhatARollbackWouldCost() throws Exception {
        try (ServiceScene other =
                ServiceScene.over(FakeMigration.switched(new ReverseLag(2048L, null, 0.5, null)))) {
            String metrics = other.http.get("/actuator/prometheus").body();

            assertThat(metrics.lines())
                    .contains(
                            "millrace_reverse_rows_applied 37.0",
                            "millrace_reverse_lag_wal_bytes 2048.0",
                            "millrace_reverse_lag_end_to_end_seconds 0.5",
                            "millrace_rollback_seconds 0.75",
                            "millrace_reverse_lossy_rows_applied{source=\"public.users\"} 12.0",
                            "millrace_switchover_finished_timestamp_seconds 1.7673552E9",
                            "millrace_reverse_window_ends_timestamp_seconds 1.76735526E9");
            assertThat(metrics)
                    .doesNotContain(
                            "millrace_reverse_lag_records",
                            "millrace_reverse_slot_safe",
                            "source=\"public.notes\"");
        }
    }

    @Test
    void exportsThatRowsMustBeReadAgain() throws Exception {
        FakeMigration lost = new FakeMigration();
        lost.again = new Rebackfill.Summary("The slot is gone", null, null, null);
        try (ServiceScene other = ServiceScene.over(lost)) {
            assertThat(other.http.get("/actuator/prometheus").body().lines())
                    .contains("millrace_rebackfill_required 1.0");
        }
    }

    @Test
    void namesHaveBaseUnitsAndLabelsAreBounded() throws Exception {
        assertThat(MetricNames.check(scene.http.get("/actuator/prometheus").body())).isEmpty();
        try (ServiceScene other =
                ServiceScene.over(FakeMigration.switched(new ReverseLag(2048L, 3L, 0.5, 5L)))) {
            assertThat(MetricNames.check(other.http.get("/actuator/prometheus").body())).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    # HELP millrace_x_ms Help ; # TYPE millrace_x_ms gauge ; millrace_x_ms 1           | has no base unit
                    # HELP millrace_x Help ; # TYPE millrace_x counter ; millrace_x 1                 | is a counter
                    # HELP millrace_x Seconds of x ; # TYPE millrace_x gauge ; millrace_x 1            | does not say seconds
                    # HELP millrace_x Bytes of x ; # TYPE millrace_x gauge ; millrace_x 1              | does not say bytes
                    # HELP millrace_x Help ; # TYPE millrace_x gauge ; millrace_x{key="1"} 1            | has the label key
                    # HELP kafka_x Help ; # TYPE kafka_x gauge ; kafka_x{client="consumer-a-7"} 1       | has the changing client
                    millrace_x 1                                                                     | has no HELP
                    """)
    void reportsAWrongName(String scrape, String reported) {
        assertThat(MetricNames.check(scrape.replace(" ; ", "\n")))
                .anySatisfy(one -> assertThat(one).contains(reported));
    }

    @Test
    void withoutASwitchoverARollbackHasNoPrice() {
        assertThat(scene.http.get("/actuator/prometheus").body())
                .doesNotContain("millrace_reverse_", "millrace_rollback_");
    }

    @Test
    void anUnknownLagHasNoSample() throws Exception {
        FakeMigration blind = new FakeMigration();
        blind.lag = new StatusReport.Lag(null, null, null, null);
        try (ServiceScene other = ServiceScene.over(blind)) {
            String metrics = other.http.get("/actuator/prometheus").body();

            assertThat(metrics)
                    .contains("millrace_events_total")
                    .doesNotContain(
                            "millrace_lag_",
                            "millrace_slot_",
                            "millrace_topic_",
                            "millrace_reconciliation_");
        }
    }
}

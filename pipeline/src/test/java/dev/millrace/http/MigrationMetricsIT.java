package dev.millrace.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.ServiceScene;
import dev.millrace.migration.StatusReport;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rollback.RollbackPrice.ReverseLag;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

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
                .doesNotContain("millrace_backfill_rows_estimated{target=\"crm.note\"}");
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
                    .doesNotContain("millrace_lag_", "millrace_slot_", "millrace_reconciliation_");
        }
    }
}

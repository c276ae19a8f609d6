package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.MigrationAssembly;
import dev.millrace.app.MigrationAssembly.Outcome;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.migration.StartOptions;
import dev.millrace.migration.StatusReport;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.rejected.RejectedChange;
import dev.millrace.rejected.RejectedKey;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;

/// One migration of all tables of a source database, unchanged, with one kind of backfill. Not
/// thread-safe.
final class TypeRun implements AutoCloseable {

    private final String name;
    private final TestDatabase source;
    final TestDatabase target;
    final Backfill backfill;
    private final MigrationAssembly assembly;

    private TypeRun(
            String name,
            TestDatabase source,
            TestDatabase target,
            Backfill backfill,
            MigrationAssembly assembly) {
        this.name = name;
        this.source = source;
        this.target = target;
        this.backfill = backfill;
        this.assembly = assembly;
    }

    static TypeRun start(TestDatabase source, TestDatabase target, Backfill backfill)
            throws Exception {
        String name = KafkaServer.newMigrationName();
        return switch (open(granted(name, source, target, backfill))) {
            case Outcome.Started(MigrationAssembly started) ->
                    new TypeRun(name, source, target, backfill, started);
            case Outcome.Refused(var report) -> throw new AssertionError(refusals(report));
        };
    }

    /// A file whose logins have what they need, which the administrator does before a start.
    static MigrationSpec granted(TestDatabase source, TestDatabase target) {
        return granted(KafkaServer.newMigrationName(), source, target, Backfill.WINDOWS);
    }

    private static MigrationSpec granted(
            String name, TestDatabase source, TestDatabase target, Backfill backfill) {
        return GrantedLogins.granted(spec(name, source, target, backfill), source, target);
    }

    /// Starts a migration that must be refused, and returns why.
    static List<Finding> refused(MigrationSpec spec) throws Exception {
        return switch (open(spec)) {
            case Outcome.Started(MigrationAssembly started) -> {
                started.close();
                throw new AssertionError("the migration was not refused");
            }
            case Outcome.Refused(var report) -> refusals(report);
        };
    }

    private static Outcome open(MigrationSpec spec) throws Exception {
        return MigrationAssembly.open(
                spec, "hash", InstantSource.system(), "test", StartOptions.STANDARD);
    }

    private static List<Finding> refusals(PreflightReport report) {
        return report.findings().stream().filter(found -> !found.status().passes()).toList();
    }

    /// Waits until all existing rows are on the target. Fails as soon as the target refuses one.
    void awaitInSync() {
        Awaitility.await(backfill.toString())
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .until(
                        () -> {
                            StatusReport status = assembly.migration().status();
                            requireNothingRefused();
                            assertThat(status.phase()).as("%s", status).isNotEqualTo("FAILED");
                            assertThat(status.generation()).as("%s", status).isLessThan(2);
                            return status.phase().equals("IN_SYNC");
                        });
    }

    private void requireNothingRefused() {
        assertThat(assembly.migration().status().blockers())
                .noneMatch(
                        blocker ->
                                blocker.contains("is stopped")
                                        || blocker.contains("rejected keys"));
    }

    /// Why the target refused changes of a table.
    List<String> rejectedCauses(String table) {
        return assembly.migration().rejected().list(Optional.of(table), 10).stream()
                .map(RejectedKey::cause)
                .toList();
    }

    /// Tries all rejected keys again.
    ///
    /// @return whether all were applied
    boolean retryRejected() {
        return assembly.migration()
                .rejected()
                .change(
                        new RejectedChange(
                                RejectedChange.Action.RETRY,
                                Set.of(),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                false))
                .refused()
                .isEmpty();
    }

    /// Waits until something that blocks the migration is about this object.
    String awaitBlocker(String object) {
        return Awaitility.await(object)
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                assembly.migration().status().blockers().stream()
                                        .filter(blocker -> blocker.contains(object))
                                        .findFirst()
                                        .orElse(""),
                        blocker -> !blocker.isEmpty());
    }

    /// Begins to compare both sides.
    UUID compare() {
        return assembly.migration().reconcile(List.of());
    }

    /// Waits for a comparison, which waits for the changes before it.
    ReconciliationReport await(UUID id) {
        Awaitility.await(backfill.toString())
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            requireNothingRefused();
                            return state(id) instanceof ReconciliationState.Finished;
                        });
        return ((ReconciliationState.Finished) state(id)).report();
    }

    private ReconciliationState state(UUID id) {
        return assembly.migration().reconciliation(id).orElseThrow();
    }

    private static MigrationSpec spec(
            String name, TestDatabase source, TestDatabase target, Backfill backfill) {
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                kafka: {bootstrap-servers: '%s', partitions: 3}
                data-dir: '%s'
                backfill: %s
                tables:
                  public.*: SELECT * FROM public.*
                """
                        .formatted(
                                name,
                                source.url(),
                                "capture_" + name,
                                GrantedLogins.PASSWORD,
                                target.url(),
                                "apply_" + name,
                                GrantedLogins.PASSWORD,
                                KafkaServer.shared().bootstrapServers(),
                                TestFolders.create("types"),
                                backfill.name().toLowerCase(Locale.ROOT));
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }

    @Override
    public void close() {
        assembly.close();
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                        + " WHERE NOT active AND slot_name = '"
                        + CaptureSettings.slot(name)
                        + "'");
    }
}

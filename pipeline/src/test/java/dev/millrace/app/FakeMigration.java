package dev.millrace.app;

import dev.millrace.approval.Approvals;
import dev.millrace.certificate.CertificateReader.Expiry;
import dev.millrace.control.approval.ApprovalLog;
import dev.millrace.control.journal.JournalEntry;
import dev.millrace.ending.Ending;
import dev.millrace.ending.Ending.Kind;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowReport;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.journal.JournalPage;
import dev.millrace.lag.ServerUse;
import dev.millrace.lag.TopicLag;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.migration.StatusReport.Backfill;
import dev.millrace.migration.StatusReport.Counts;
import dev.millrace.migration.StatusReport.Lag;
import dev.millrace.migration.StatusReport.Part;
import dev.millrace.migration.StatusReport.Table;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rebackfill.Rebackfill.Summary;
import dev.millrace.reconcile.ComparisonProgress;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.rejected.RejectedKeys;
import dev.millrace.repair.Repair;
import dev.millrace.repair.RepairControl;
import dev.millrace.replication.RefusedException;
import dev.millrace.rollback.RollbackPrice;
import dev.millrace.rollback.RollbackPrice.LossyTable;
import dev.millrace.rollback.RollbackPrice.ReverseLag;
import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.spec.setting.EffectiveSetting.Origin;
import dev.millrace.stream.KnownTables.UnknownTableException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A migration of two tables whose behaviour the test sets.
public final class FakeMigration implements MigrationControl, MigrationEnd, ServedMigration {

    public static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

    final Map<UUID, ReconciliationState> reconciliations = new ConcurrentHashMap<>();
    final List<List<String>> asked = new ArrayList<>();
    final List<Method> methods = new ArrayList<>();
    final List<Asker> askers = new ArrayList<>();
    public final List<FlowChange> changes = new ArrayList<>();
    public final List<SwitchoverRequest> switchovers = new ArrayList<>();
    public static final UUID ENDING = new UUID(0, 7);
    public final List<EndRequest> ends = new ArrayList<>();
    public final List<Resolution> resolutions = new ArrayList<>();
    public volatile Operation operation =
            new Operation(
                    null,
                    Operation.Kind.SWITCHOVER,
                    Operation.State.DRY_RUN,
                    List.of(),
                    List.of(),
                    null,
                    null);
    public volatile StatusReport.@Nullable Move move;
    final CountDownLatch closing = new CountDownLatch(1);
    public final CountDownLatch mayClose;
    public volatile String phase = "CATCHING_UP";
    public volatile StatusReport.Eta eta = new StatusReport.Eta(120.0, null);
    public volatile List<Part> parts =
            List.of(
                    new Part("capture", "running", true, NOON),
                    new Part("applier", "target unreachable", false, NOON));
    public volatile Lag lag =
            new Lag(
                    1_024L,
                    7L,
                    0.25,
                    5_000L,
                    2.5,
                    256L,
                    0.5,
                    true,
                    List.of(
                            TopicLag.of(
                                    "changes",
                                    "millrace.shop.rows.1",
                                    List.of(
                                            new TopicLag.Partition(0, 10L, 7L, 3L, 1.5),
                                            new TopicLag.Partition(1, 4L, null, null, null))),
                            TopicLag.of(
                                    "target",
                                    "millrace.shop.applier",
                                    List.of(
                                            new TopicLag.Partition(0, 10L, 9L, 1L, 0.5),
                                            new TopicLag.Partition(1, 4L, 4L, 0L, 0.0)))));
    volatile boolean ready = true;
    public volatile @Nullable String refusal;
    public volatile StatusReport.@Nullable LastReconciliation last;
    public volatile StatusReport.@Nullable ForeignWrites foreign;
    public volatile FlowReport.Apply apply =
            new FlowReport.Apply(false, false, null, null, null, null, null, null);
    public volatile @Nullable RollbackPrice rollback;
    public volatile @Nullable Summary again;
    public final List<Rebackfill.Request> rebackfills = new ArrayList<>();
    public static final UUID REBACKFILL = new UUID(0, 8);
    public final List<Repair.Request> repairs = new ArrayList<>();
    public final List<String> cancelled = new ArrayList<>();
    public static final UUID REPAIR = new UUID(0, 9);
    public volatile State repairState = State.DONE;
    public volatile int logFailsAfter = Integer.MAX_VALUE;
    public volatile int logLines = Integer.MAX_VALUE;
    public volatile String line = "{\"offset\":%d}";

    public volatile Approvals approvals = noApprovals();

    /// Nothing waits, and nothing can be asked for.
    public static Approvals noApprovals() {
        return Approvals.ended(new NoApprovals(), InstantSource.system());
    }

    private static final class NoApprovals implements ApprovalLog {

        @Override
        public void ask(Request request, Note note) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Request> pending() {
            return List.of();
        }

        @Override
        public boolean approve(UUID id, String approver, Instant now, Note note) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean settle(UUID id, String from, String to, Note note) {
            throw new UnsupportedOperationException();
        }
    }

    public FakeMigration() {
        this(new CountDownLatch(0));
    }

    private FakeMigration(CountDownLatch mayClose) {
        this.mayClose = mayClose;
    }

    /// Creates a migration whose traffic is on the target.
    public static FakeMigration switched(ReverseLag lag) {
        FakeMigration switched = new FakeMigration();
        switched.rollback =
                new RollbackPrice(
                        NOON,
                        NOON.plusSeconds(60),
                        37L,
                        lag,
                        List.of(
                                new LossyTable(
                                        "public.users", List.of("email"), List.of(), 12L, null),
                                new LossyTable(
                                        "public.notes", List.of("text"), List.of(), null, null)),
                        0.75,
                        "a basis",
                        false);
        return switched;
    }

    /// Creates a migration that drains until the test releases it.
    public static FakeMigration slowToDrain() {
        return new FakeMigration(new CountDownLatch(1));
    }

    @Override
    public MigrationControl control() {
        return this;
    }

    @Override
    public MigrationEnd end() {
        return this;
    }

    @Override
    public Approvals approvals() {
        return approvals;
    }

    @Override
    public MigrationDefinition definition() {
        return new MigrationDefinition(
                List.of(
                        EffectiveSetting.standard("--port", "8080"),
                        new EffectiveSetting("migration", "shop", Origin.FILE, "shop.yaml:1"),
                        new EffectiveSetting(
                                "source.url",
                                "jdbc:postgresql://db1:5432/shop",
                                Origin.ENVIRONMENT,
                                "SOURCE_URL"),
                        new EffectiveSetting(
                                "source.password",
                                EffectiveSetting.MASKED,
                                Origin.ENVIRONMENT,
                                "SOURCE_PASSWORD"),
                        new EffectiveSetting(
                                "tables[\"crm.customer\"].select",
                                "SELECT id, user_name AS full_name FROM public.users",
                                Origin.FILE,
                                "shop.yaml:9"),
                        EffectiveSetting.standard("switchover.timeout", "30s")),
                List.of(
                        new MigrationDefinition.TableDefinition(
                                "crm.customer",
                                "public.users",
                                "SELECT id, user_name AS full_name, lower(email) AS email FROM"
                                        + " public.users",
                                List.of("id"),
                                List.of(
                                        new MigrationDefinition.Note(
                                                "mapping.inverse",
                                                "columns that come back from the target: exactly:"
                                                        + " id, user_name; with losses: email"
                                                        + " (the case of letters is lost)",
                                                "To bring the others back after a switchover, add"
                                                        + " a SELECT that supplies them to"
                                                        + " reverse.")))));
    }

    @Override
    public Ending end(EndRequest request) {
        ends.add(request);
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        return ending(request.kind(), request.dryRun() ? State.DRY_RUN : State.RUNNING);
    }

    private static Ending ending(Kind kind, State state) {
        return new Ending(
                state == State.DRY_RUN ? null : ENDING,
                kind,
                state,
                List.of(new Operation.Step("slots", "planned", null, null, "Drop the slot.")),
                List.of(),
                null,
                null);
    }

    @Override
    public Optional<Ending> ending(UUID id) {
        return id.equals(ENDING) ? Optional.of(ending(Kind.ABORT, State.DONE)) : Optional.empty();
    }

    @Override
    public StatusReport status() {
        return new StatusReport(
                "shop",
                phase,
                NOON,
                3,
                lag,
                List.of(
                        new Table(
                                "crm.customer",
                                List.of("public.users"),
                                new Backfill(10, 40L, false),
                                2L,
                                "no place for it",
                                1L,
                                3L),
                        new Table(
                                "crm.note",
                                List.of("public.notes"),
                                new Backfill(5, null, true),
                                0L,
                                null,
                                0L,
                                0L)),
                parts,
                new Counts(100, 90, 9),
                last,
                List.of(),
                List.of("reconcile"),
                List.of(),
                new StatusReport.Log(7_000L, 3_000L),
                new FlowReport.Backfill(false, null, null, null, null, null, null),
                move,
                rollback,
                again,
                foreign,
                new StatusReport.Journal(3, "c".repeat(64), false),
                apply,
                List.of(
                        new FlowReport.Condition(
                                "slow",
                                "target.commit.p95",
                                "seconds",
                                0.05,
                                0.2,
                                0.25,
                                10,
                                "pause",
                                "below",
                                null,
                                null,
                                null,
                                null)),
                new FlowReport.Wal(3_000_000_000L, 10_000_000_000L, 0.3, 2_000_000.0, 3_500.0),
                eta,
                List.of(
                        new ServerUse(
                                "source", "17.6", 0.002, 1L, null, new ServerUse.Pool(1, 0, 0, 2)),
                        new ServerUse(
                                "target", null, null, null, null, new ServerUse.Pool(0, 2, 3, 2))),
                List.of(new Expiry("source server", NOON)));
    }

    /// Three entries.
    @Override
    public JournalPage journal(long after, int limit) {
        return JournalPage.of(
                "shop",
                Stream.of(
                                entry(1, "phase", "{}"),
                                entry(
                                        2,
                                        "pause",
                                        "{\"what\": \"pause\", \"reason\": \"peak hour\"}"),
                                entry(
                                        3,
                                        "phase",
                                        "{\"cause\": \"no disk\", \"from\": \"IN_SYNC\"}"))
                        .filter(entry -> entry.number() > after)
                        .limit(limit)
                        .toList(),
                Optional.of(new JournalEntry.Head(3, "c".repeat(64))));
    }

    private static JournalEntry entry(long number, String event, String detail) {
        return new JournalEntry(
                number,
                NOON.plusSeconds(number),
                "ann (unverified)",
                "BACKFILLING",
                event,
                detail,
                "b".repeat(64),
                "c".repeat(64));
    }

    @Override
    public boolean ready() {
        return ready;
    }

    @Override
    public FlowChange.Outcome change(FlowChange change) {
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        changes.add(change);
        return new FlowChange.Outcome(
                "done as asked",
                new FlowReport(
                        new FlowReport.Backfill(
                                true, 5_000L, null, change.reason(), "alice", NOON, null),
                        new FlowReport.Apply(
                                true, false, null, null, change.reason(), "alice", NOON, null)));
    }

    @Override
    public Operation resolve(Resolution resolution) {
        resolutions.add(resolution);
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        return operation;
    }

    @Override
    public Optional<Operation> operation(UUID id) {
        return Optional.of(operation).filter(known -> id.equals(known.id()));
    }

    @Override
    public Operation move(SwitchoverRequest request) {
        switchovers.add(request);
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        return operation;
    }

    @Override
    public Rebackfill rebackfill(Rebackfill.Request request) {
        rebackfills.add(request);
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        request.table().ifPresent(FakeMigration::requireKnown);
        return rebackfill(request.dryRun() ? State.DRY_RUN : State.RUNNING);
    }

    private static Rebackfill rebackfill(State state) {
        return new Rebackfill(
                state == State.DRY_RUN ? null : REBACKFILL,
                Rebackfill.KIND,
                state,
                "crm.note",
                List.of(new Operation.Step("sweep", "planned", null, null, "Delete rows.")),
                List.of(),
                null,
                state == State.RUNNING ? null : "as asked");
    }

    @Override
    public Optional<Rebackfill> rebackfill(UUID id) {
        return id.equals(REBACKFILL) ? Optional.of(rebackfill(State.DONE)) : Optional.empty();
    }

    @Override
    public RepairControl repairs() {
        return new FakeRepairs(this);
    }

    @Override
    public RejectedKeys rejected() {
        throw new RefusedException("This migration runs no stream");
    }

    @Override
    public UUID reconcile(List<String> targets, Method method, Asker by) {
        for (String target : targets) {
            requireKnown(target);
        }
        if (refusal != null) {
            throw new RefusedException(refusal);
        }
        asked.add(targets);
        methods.add(method);
        askers.add(by);
        UUID id = UUID.randomUUID();
        reconciliations.put(id, new ReconciliationState.Running(NOON));
        return id;
    }

    @Override
    public Optional<ReconciliationState> reconciliation(UUID id) {
        return Optional.ofNullable(reconciliations.get(id));
    }

    @Override
    public List<Unfinished> unfinishedReconciliations() {
        List<Unfinished> unfinished = new ArrayList<>();
        reconciliations.forEach(
                (id, state) -> {
                    if (state instanceof ReconciliationState.Running(Instant startedAt)) {
                        unfinished.add(
                                new Unfinished(
                                        id,
                                        "running",
                                        false,
                                        startedAt,
                                        new ComparisonProgress.Reading(7, 3, 1_200, 4_800)));
                    }
                });
        return unfinished;
    }

    @Override
    public List<PastVerdict> reconciliations() {
        List<PastVerdict> past = new ArrayList<>();
        reconciliations.forEach(
                (id, state) -> {
                    if (state instanceof ReconciliationState.Finished(var report)) {
                        past.add(PastVerdict.of(id, report));
                    }
                });
        past.sort(Comparator.comparing(PastVerdict::finishedAt).reversed());
        return past;
    }

    public void forgetReconciliations() {
        reconciliations.clear();
    }

    /// Adds a finished reconciliation in which one table differs.
    public UUID different() {
        UUID id = UUID.randomUUID();
        reconciliations.put(
                id,
                new ReconciliationState.Finished(
                        new ReconciliationReport(
                                "shop",
                                ReconciliationReport.Verdict.DIFFERENT,
                                NOON,
                                NOON.plusSeconds(5),
                                "0/1",
                                "abc",
                                List.of(
                                        compared("crm.customer", Verdict.EQUAL, 0),
                                        compared("crm.note", Verdict.DIFFERENT, 1_234)),
                                null,
                                null)));
        return id;
    }

    private static TableReport compared(String table, Verdict verdict, long missing) {
        return new TableReport(
                table,
                verdict,
                9_000L,
                9_000L - missing,
                "1",
                "2",
                missing,
                0,
                0,
                0,
                0,
                0,
                1.5,
                List.of(),
                null,
                true,
                List.of(),
                TableReport.ALL_ROWS,
                List.of());
    }

    @Override
    public Optional<ReconciliationState> cancelReconciliation(UUID id, Asker by) {
        askers.add(by);
        return Optional.ofNullable(
                reconciliations.computeIfPresent(
                        id,
                        (_, state) ->
                                state instanceof ReconciliationState.Finished
                                        ? state
                                        : new ReconciliationState.Finished(cancelled())));
    }

    private static ReconciliationReport cancelled() {
        return new ReconciliationReport(
                "shop",
                ReconciliationReport.Verdict.UNDECIDED,
                NOON,
                NOON.plusSeconds(9),
                null,
                "abc",
                List.of(),
                ReconciliationReport.CANCELLED,
                null);
    }

    @Override
    public void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> lines) {
        table.filter(each -> !each.equals("public.users")).ifPresent(FakeMigration::requireKnown);
        for (int offset = 0; offset < Math.min(limit, logLines); offset++) {
            if (offset == logFailsAfter) {
                throw new IllegalStateException("row value of somebody@example.org");
            }
            lines.accept(line.formatted(offset));
        }
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            mayClose.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    static void requireKnown(String table) {
        if (!table.equals("crm.customer") && !table.equals("crm.note")) {
            throw new UnknownTableException("'" + table + "' is no target of this migration");
        }
    }
}

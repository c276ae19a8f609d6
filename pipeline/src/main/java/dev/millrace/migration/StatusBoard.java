package dev.millrace.migration;

import dev.millrace.apply.ApplierCounters.ApplierCounts;
import dev.millrace.capture.origin.ChangeOrigins.Foreign;
import dev.millrace.change.TableId;
import dev.millrace.control.ParkedSize;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.flow.FlowControl;
import dev.millrace.flow.FlowReport;
import dev.millrace.journal.JournalWatch;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.mapping.Mapping;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rebackfill.Rebackfills;
import dev.millrace.repair.Repairs;
import dev.millrace.replication.CertificateWatch;
import dev.millrace.replication.LagMonitor;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.ReverseStream;
import dev.millrace.rollback.RollbackMeter;
import dev.millrace.rollback.RollbackPrice;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.OperationProgress;
import dev.millrace.verdict.ForeignWrites;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Builds the status of a migration from what is in memory, so that it answers while a server is
/// unreachable. Thread-safe.
final class StatusBoard {

    /// A change that Kafka has not confirmed for this long is reported.
    private static final Duration UNCONFIRMED = Duration.ofSeconds(6);

    /// How long an operation is shown after its end.
    private static final Duration SHOWN = Duration.ofHours(1);

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final Map<TableId, Long> estimates;
    private final FlowControl flow;
    private final Optional<ReverseStream> reverse;
    private final Rebackfills rebackfills;
    private final Repairs repairs;
    private final JournalWatch journal;
    private final CertificateWatch certificates;
    private final EtaMeter etas;

    /// @param estimates rows of the source tables by the source's statistics; a table without
    ///   statistics is absent
    StatusBoard(
            ReplicationStream stream,
            InstantSource clock,
            Map<TableId, Long> estimates,
            FlowControl flow,
            Optional<ReverseStream> reverse,
            Rebackfills rebackfills,
            Repairs repairs,
            JournalWatch journal,
            CertificateWatch certificates) {
        this.stream = stream;
        this.clock = clock;
        this.estimates = Map.copyOf(estimates);
        this.etas = new EtaMeter(stream.tables().sourceIds(), this.estimates, flow, clock);
        this.flow = flow;
        this.reverse = reverse;
        this.rebackfills = rebackfills;
        this.repairs = repairs;
        this.journal = journal;
        this.certificates = certificates;
    }

    StatusReport report(
            CurrentPhase.State phase,
            LiveStream running,
            List<StatusReport.Part> parts,
            Optional<StatusReport.LastReconciliation> last,
            Optional<ForeignWrites.Found> foreign,
            Optional<OperationProgress.Snapshot> operation,
            Optional<RollbackMeter.Switched> switched,
            List<FlowReport.Condition> conditions,
            FlowReport.Wal wal) {
        LagMonitor lag = running.lag();
        Optional<BackfillProgress> backfill = running.stream().backfill();
        List<StatusReport.Table> tables = tables(backfill, lag);
        List<StatusReport.Part> shown = withReverse(withIndexes(parts, running));
        List<String> blockers = blockers(phase.phase(), shown, tables);
        blockers.addAll(flow.blockers(backfill));
        running.stream().indexes().blocker().ifPresent(blockers::add);
        operation.flatMap(StatusBoard::unanswered).ifPresent(blockers::add);
        Optional<String> lost = states(running, Optional.empty()).lost();
        rebackfills.blocker(lost).ifPresent(blockers::add);
        foreign.map(ForeignWrites.Found::blocker).ifPresent(blockers::add);
        repairs.blocker().ifPresent(blockers::add);
        if (phase.phase() instanceof Phase.Reversible) {
            reverse.flatMap(ReverseStream::breach)
                    .map(StatusBoard::breach)
                    .ifPresent(blockers::add);
        }
        Instant now = clock.instant();
        Optional<RollbackPrice> rollback =
                reverse.filter(_ -> phase.phase() instanceof Phase.Reversible)
                        .map(back -> meter(back).price(switched));
        List<String> warnings = new ArrayList<>(lag.notReplicated());
        rollback.flatMap(price -> price.overdue(now)).ifPresent(warnings::add);
        journal.broken().ifPresent(warnings::add);
        FlowReport set = flow.status();
        ApplierCounts counts = running.stream().applier().counts();
        return new StatusReport(
                stream.name(),
                phase.phase().name(),
                phase.since(),
                running.generation().number(),
                lag(lag, now),
                tables,
                withRetention(shown, running),
                new StatusReport.Counts(
                        running.stream().capture().events(),
                        counts.rows().values().stream().mapToLong(Long::longValue).sum(),
                        counts.batches()),
                last.orElse(null),
                blockers,
                actions(
                        phase.phase(),
                        lost.isPresent()
                                ? List.of(Rebackfill.KIND)
                                : flow.actions(backfill, phase.phase().name()),
                        operation.map(OperationProgress.Snapshot::kind).orElse(Kind.SWITCHOVER)),
                warnings,
                log(running),
                set.backfill(),
                operation.filter(known -> isShown(known, now)).map(StatusBoard::move).orElse(null),
                rollback.orElse(null),
                rebackfills.summary(lost).orElse(null),
                foreign.map(
                                found ->
                                        new StatusReport.ForeignWrites(
                                                found.rows(), found.tables(), found.lastAt()))
                        .orElse(null),
                Optional.ofNullable(journal.newest())
                        .map(
                                newest ->
                                        StatusReport.Journal.of(
                                                newest, journal.broken().isPresent()))
                        .orElse(null),
                set.apply(),
                conditions,
                wal,
                etas.eta(phase.phase(), running, now),
                lag.servers(now),
                certificates.certificates());
    }

    /// Called several times a second, so that rates are known.
    void observe(LiveStream running) {
        etas.observe(running);
    }

    private RollbackMeter meter(ReverseStream back) {
        return new RollbackMeter(back, stream.tables().sources(), clock);
    }

    private static boolean isShown(OperationProgress.Snapshot operation, Instant now) {
        return operation.finishedAt().map(end -> end.plus(SHOWN).isAfter(now)).orElse(true);
    }

    private static StatusReport.Move move(OperationProgress.Snapshot operation) {
        return new StatusReport.Move(
                operation.id().toString(),
                operation.kind().id(),
                operation.state().id(),
                operation.step().orElse(null),
                operation.outcome().orElse(null),
                operation.startedAt(),
                operation.finishedAt().orElse(null),
                operation.pauseMs().isPresent() ? operation.pauseMs().getAsLong() : null);
    }

    private static Optional<String> unanswered(OperationProgress.Snapshot operation) {
        return operation.state() == State.UNRESOLVED
                ? Optional.of(
                        "the %s waits for an answer: find out whether the application was routed, then run 'millrace resolve --answer routed' or '--answer not-routed' with --reason"
                                .formatted(operation.kind().id()))
                : Optional.empty();
    }

    private static String breach(Foreign change) {
        return "another program wrote to table %s of the fenced source at %s; the change was applied to the target. Find the program and stop it, then compare both sides"
                .formatted(change.table(), change.committedAt());
    }

    /// The way back, while it is armed. The migration is ready without it.
    private List<StatusReport.Part> withReverse(List<StatusReport.Part> parts) {
        List<StatusReport.Part> all = new ArrayList<>(parts);
        reverse.ifPresent(
                back ->
                        back.components()
                                .forEach(
                                        (name, state) ->
                                                all.add(
                                                        ComponentStates.part(
                                                                "reverse-" + name, state))));
        return all;
    }

    /// Retention is shown like every other part, but nothing waits for it.
    private static List<StatusReport.Part> withRetention(
            List<StatusReport.Part> parts, LiveStream running) {
        List<StatusReport.Part> all = new ArrayList<>(parts);
        all.add(ComponentStates.retention(running.stream().retention().state()));
        return all;
    }

    /// Shown only if indexes or foreign keys are or were dropped. The phase waits for them by
    /// themselves, and replication goes on without them, so they do not count for readiness.
    private static List<StatusReport.Part> withIndexes(
            List<StatusReport.Part> parts, LiveStream running) {
        List<StatusReport.Part> all = new ArrayList<>(parts);
        if (running.stream().indexes().concernsTables()) {
            all.add(ComponentStates.part("indexes", running.stream().indexesState()));
        }
        return all;
    }

    private static StatusReport.Log log(LiveStream running) {
        return running.stream()
                .retention()
                .bytes()
                .map(bytes -> new StatusReport.Log(bytes.changes(), bytes.target()))
                .orElseGet(() -> new StatusReport.Log(null, null));
    }

    /// @param conductor what keeps the conductor from its next step, if anything
    ComponentStates states(LiveStream running, Optional<ComponentState> conductor) {
        LagMonitor lag = running.lag();
        return new ComponentStates(
                capture(running),
                running.stream().backfillState(),
                running.stream().mappings().state(),
                running.stream().applier().state(),
                lag.sourceState(),
                lag.targetState(),
                lag.kafkaState(),
                conductor);
    }

    /// The state of the capture, or that Kafka confirms nothing while the source answers.
    ComponentState capture(LiveStream running) {
        ComponentState state = running.stream().capture().state();
        Instant committed = running.stream().capture().committedAt();
        if (committed == null
                || !state.isRunning(ComponentState.Activity.STREAMING)
                || running.lag().sourceState() instanceof ComponentState.Waiting
                || Duration.between(committed, clock.instant()).compareTo(UNCONFIRMED) <= 0) {
            return state;
        }
        return new ComponentState.Waiting(
                "Kafka has confirmed no change since " + committed, committed);
    }

    private static StatusReport.Lag lag(LagMonitor lag, Instant now) {
        return new StatusReport.Lag(
                lag.backlog().sourceBytes(now).orElse(null),
                lag.backlog().records(now).orElse(null),
                StatusReport.seconds(lag.freshness().age(now)),
                lag.backlog().safeWalBytes(now).orElse(null),
                StatusReport.seconds(lag.confirmed().age(now)),
                lag.backlog().captureBytes(now).orElse(null),
                StatusReport.seconds(lag.logged().age(now)),
                lag.backlog().slotActive(now).orElse(null),
                lag.topics(now));
    }

    private List<StatusReport.Table> tables(Optional<BackfillProgress> backfill, LagMonitor lag) {
        List<StatusReport.Table> tables = new ArrayList<>();
        for (Mapping mapping : stream.tables().mappings()) {
            TableId target = mapping.target().table();
            Optional<BackfillProgress.Table> read =
                    backfill.map(progress -> progress.table(mapping.source()));
            Optional<ParkedSize> waiting =
                    Optional.ofNullable(lag.rejected(target)).map(_ -> lag.waiting(target));
            tables.add(
                    new StatusReport.Table(
                            target.toString(),
                            List.of(mapping.source().toString()),
                            new StatusReport.Backfill(
                                    read.map(BackfillProgress.Table::rows).orElse(0L),
                                    estimates.get(mapping.source()),
                                    read.filter(BackfillProgress.Table::complete).isPresent()),
                            lag.rejected(target),
                            stopReason(lag.stopped(), target),
                            waiting.map(ParkedSize::parked).orElse(null),
                            waiting.map(ParkedSize::held).orElse(null)));
        }
        return tables;
    }

    private static @Nullable String stopReason(List<StoppedTable> stopped, TableId target) {
        return stopped.stream()
                .filter(table -> table.table().equals(target))
                .map(StoppedTable::reason)
                .findFirst()
                .orElse(null);
    }

    private static List<String> blockers(
            Phase phase, List<StatusReport.Part> parts, List<StatusReport.Table> tables) {
        List<String> blockers = new ArrayList<>();
        if (phase instanceof Phase.Failed(String cause, Phase _)) {
            blockers.add("the migration failed: " + cause);
        }
        parts.stream()
                .filter(part -> !part.well())
                .forEach(part -> blockers.add(part.name() + " " + part.state()));
        tables.stream()
                .filter(table -> table.stopped() != null)
                .forEach(
                        table ->
                                blockers.add(
                                        "table "
                                                + table.target()
                                                + " is stopped: "
                                                + table.stopped()));
        tables.stream()
                .filter(table -> table.rejectedKeys() != null && table.rejectedKeys() > 0)
                .forEach(
                        table ->
                                blockers.add(
                                        "rejected keys of table %s: %d. Their changes wait. Run 'millrace rejected list' to see the causes"
                                                .formatted(table.target(), table.rejectedKeys())));
        return blockers;
    }

    /// @param kind of the last operation
    private static List<String> actions(Phase phase, List<String> ofFlow, Kind kind) {
        List<String> actions = new ArrayList<>(ofFlow);
        actions.addAll(
                switch (phase) {
                    case Phase.InSync _ ->
                            List.of(
                                    "reconcile",
                                    "switchover --dry-run",
                                    "switchover",
                                    "abort",
                                    "log");
                    case Phase.SwitchingOver _ -> List.of(kind.id() + " --cancel", "log");
                    case Phase.Reversible _ ->
                            List.of(
                                    "rollback --dry-run",
                                    "rollback",
                                    "complete --dry-run",
                                    "complete",
                                    "log");
                    case Phase.Unresolved _ ->
                            List.of(
                                    "resolve --answer routed",
                                    "resolve --answer not-routed",
                                    "log");
                    case Phase.CatchingUp _ -> List.of("reconcile", "abort", "log");
                    case Phase.Planned _, Phase.Backfilling _, Phase.Failed _ ->
                            List.of("abort", "log");
                });
        return actions;
    }
}

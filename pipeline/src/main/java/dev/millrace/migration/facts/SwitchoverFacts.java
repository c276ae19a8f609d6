package dev.millrace.migration.facts;

import dev.millrace.capture.CapturedTable;
import dev.millrace.change.TableId;
import dev.millrace.flow.FlowControl;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.evidence.VerdictBonds;
import dev.millrace.replication.ChangedMappings;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.ReverseStream;
import dev.millrace.route.Routes;
import dev.millrace.route.TrafficRoute;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.sequences.TargetSequences.Direction;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.sql.Relation;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.GateFacts;
import dev.millrace.switchover.GateFacts.Verdict.BrokenBond;
import dev.millrace.switchover.SidesReader;
import dev.millrace.switchover.TargetFencing;
import dev.millrace.verdict.Reconciliations;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Collects the facts on which the gates of a switchover or a rollback decide. Changes nothing.
/// Thread-safe.
///
/// @param specHash the mappings that run, as a verdict names them
/// @param plan checks the file against both databases as they are now
/// @param spec of the file; a transaction on the source may be as old as its timeout
public record SwitchoverFacts(
        ReplicationStream stream,
        String specHash,
        Reconciliations reconciliations,
        StreamParity parity,
        Supplier<PreflightReport> plan,
        Routes routes,
        Optional<ReverseStream> reverse,
        FlowControl flow,
        MigrationSpec spec,
        InstantSource clock) {

    private static final Logger LOG = LoggerFactory.getLogger(SwitchoverFacts.class);
    private static final String PREFIX = "switchover.";

    /// @param phase its name
    public GateFacts read(String phase, LiveStream now) {
        return new GateFacts(
                phase,
                reconciliations.lastReport().map(report -> verdict(report, now)),
                now.lag().freshness().age(clock.instant()),
                rejected(now),
                incompleteKeys(now),
                known(() -> plan(plan.get(), now.stream().capture().paused().changes().keySet())),
                sides(stream),
                known(() -> parity.problems(reconciliations.lastReport())),
                Optional.empty(),
                targetFence(),
                Optional.of(problems(routes.check(TrafficRoute.Direction.SWITCH))),
                flow.holdsSwitchover());
    }

    /// What is unknown because the replication back to the source does not run closes its gate.
    ///
    /// @param phase its name
    public GateFacts readForRollback(String phase) {
        Optional<LiveStream> now = reverse.flatMap(ReverseStream::running);
        return new GateFacts(
                phase,
                Optional.empty(),
                now.flatMap(live -> live.lag().freshness().age(clock.instant())),
                now.map(SwitchoverFacts::rejected).orElse(OptionalLong.empty()),
                now.map(SwitchoverFacts::incompleteKeys).orElse(OptionalLong.empty()),
                Optional.empty(),
                reverse.flatMap(back -> sides(back.stream())),
                Optional.empty(),
                reverse.flatMap(back -> known(() -> sequences(back.stream()))),
                Optional.empty(),
                Optional.of(problems(routes.check(TrafficRoute.Direction.ROLLBACK))),
                List.of());
    }

    private List<String> sequences(ReplicationStream back) {
        try (Session from = back.source().database().session();
                Session to = back.target().database().session()) {
            return TargetSequences.obstacles(
                            Scope.of(Direction.BACK, spec, back.tables().mappings()), from, to)
                    .stream()
                    .map(
                            found ->
                                    "%s: %s. %s"
                                            .formatted(
                                                    found.object(),
                                                    found.message(),
                                                    found.remedy()))
                    .toList();
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot read the sequences", e);
        }
    }

    private Optional<List<String>> targetFence() {
        try {
            return Optional.of(new TargetFencing(stream).problems());
        } catch (SQLException e) {
            LOG.atWarn()
                    .addKeyValue("reason", Reason.of(e))
                    .log("A gate of the switchover is unknown.");
            return Optional.empty();
        }
    }

    private Optional<GateFacts.Sides> sides(ReplicationStream of) {
        return known(
                () ->
                        new SidesReader(
                                        of.source().database(),
                                        of.target().database(),
                                        readers(of),
                                        spec.switchover().timeout())
                                .read());
    }

    private static OptionalLong incompleteKeys(LiveStream now) {
        return now.stream()
                .backfill()
                .map(BackfillProgress::incompleteKeys)
                .map(OptionalLong::of)
                .orElse(OptionalLong.empty());
    }

    private static List<String> problems(List<TrafficRoute.Finding> findings) {
        return findings.stream()
                .filter(
                        found ->
                                switch (found.status()) {
                                    case OK, WARNING -> false;
                                    case REFUSED, UNREACHABLE -> true;
                                })
                .map(found -> found.object() + ": " + found.message() + " " + found.remedy())
                .toList();
    }

    private GateFacts.Verdict verdict(ReconciliationReport report, LiveStream now) {
        VerdictBonds.Present present =
                VerdictBonds.Present.read(
                        specHash,
                        now.generation().number(),
                        now.progress(Optional::empty),
                        reconciliations.chunker(),
                        stream.tables().compared());
        return new GateFacts.Verdict(
                report.verdict().word(),
                report.finishedAt(),
                VerdictBonds.broken(report, present).stream()
                        .map(each -> new BrokenBond(each.name(), each.reason()))
                        .toList());
    }

    private static OptionalLong rejected(LiveStream now) {
        long sum = 0;
        for (TableId target : now.with().stream().tables().targetIds()) {
            @Nullable Long rejected = now.lag().rejected(target);
            if (rejected == null) {
                return OptionalLong.empty();
            }
            sum += rejected;
        }
        return OptionalLong.of(sum);
    }

    private GateFacts.Plan plan(PreflightReport report, Set<TableId> paused) {
        Map<String, List<String>> readiness = new TreeMap<>();
        for (Finding finding : report.findings()) {
            if (finding.check().startsWith(PREFIX)) {
                List<String> lacks =
                        readiness.computeIfAbsent(
                                finding.check().substring(PREFIX.length()), _ -> new ArrayList<>());
                if (finding.status() != Finding.Status.OK) {
                    lacks.add(sentence(finding));
                }
            }
        }
        return new GateFacts.Plan(
                readiness,
                report.findings().stream()
                        .filter(finding -> !finding.status().passes())
                        .map(SwitchoverFacts::sentence)
                        .toList(),
                report.accepted()
                        ? Optional.of(
                                new ChangedMappings(stream.tables())
                                        .of(report.mappings(), sources(report), paused))
                        : Optional.empty());
    }

    private static String sentence(Finding finding) {
        return "%s: %s. %s"
                .formatted(finding.object(), finding.message(), finding.advice())
                .strip();
    }

    private static List<Relation> sources(PreflightReport report) {
        return report.captured().stream().map(CapturedTable::relation).toList();
    }

    private static Map<TableId, Set<TableId>> readers(ReplicationStream of) {
        Map<TableId, Set<TableId>> readers = new HashMap<>();
        for (Mapping mapping : of.tables().mappings()) {
            readers.computeIfAbsent(mapping.source(), _ -> new TreeSet<>())
                    .add(mapping.target().table());
        }
        return readers;
    }

    private static <T> Optional<T> known(Supplier<T> fact) {
        try {
            return Optional.of(fact.get());
        } catch (DatabaseFailure e) {
            LOG.atWarn()
                    .addKeyValue("reason", Incident.reason(LOG, "a fact could not be read", e))
                    .log("A gate of the switchover is unknown.");
            return Optional.empty();
        }
    }
}

package dev.millrace.preflight;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.TableId;
import dev.millrace.parity.QueryCheck;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.PreflightReport.PlannedTable;
import dev.millrace.preflight.PreflightReport.Reversal;
import dev.millrace.preflight.capacity.RowSizeCheck;
import dev.millrace.preflight.capacity.WalHeadroom;
import dev.millrace.preflight.catalog.CollationPrivilegeCheck;
import dev.millrace.preflight.catalog.ConstraintCheck;
import dev.millrace.preflight.catalog.IndexCheck;
import dev.millrace.preflight.catalog.SequenceCheck;
import dev.millrace.preflight.catalog.TypeCheck;
import dev.millrace.preflight.catalog.TypePrivilegeCheck;
import dev.millrace.preflight.compile.SpecCompiler;
import dev.millrace.preflight.compile.SpecCompiler.Compilation;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.compile.SpecCompiler.Exclusion;
import dev.millrace.preflight.environment.EnvironmentChecks;
import dev.millrace.preflight.kafka.KafkaChecks;
import dev.millrace.preflight.login.ReconcileLogin;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Remedy;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.preflight.security.SessionSecurity;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.sql.Relation;
import dev.millrace.stream.ReplicationStream.Side;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Decides whether a migration may start. Every check runs as far as it can, none stops the others,
/// and nothing is created on either side. Thread-safe: each run opens and closes its own sessions;
/// the databases belong to the caller.
public final class Preflight {

    private final Side source;
    private final Side target;

    public Preflight(Side source, Side target) {
        this.source = source;
        this.target = target;
    }

    public PreflightReport run(MigrationSpec spec) {
        List<Finding> findings = new ArrayList<>();
        findings.add(reachability(CheckName.SOURCE_REACHABLE, Place.SOURCE, source.database()));
        findings.add(reachability(CheckName.TARGET_REACHABLE, Place.TARGET, target.database()));
        boolean reached = findings.stream().allMatch(found -> found.status().passes());
        findings.addAll(KafkaChecks.judge(spec));
        Planned planned = reached ? judged(spec, findings) : Planned.NOTHING;
        boolean accepted = findings.stream().allMatch(found -> found.status().passes());
        return new PreflightReport(
                spec.migration(),
                findings,
                accepted ? planned.tables() : List.of(),
                planned.replicaRole(),
                accepted ? planned.reversal() : Reversal.NONE);
    }

    /// Whether the broker can be asked about its topics; if not, its check says so once.
    private static boolean isKafkaReached(List<Finding> findings) {
        return findings.stream()
                .anyMatch(
                        found ->
                                found.check().equals(CheckName.KAFKA_REACHABLE.id())
                                        && found.status().passes());
    }

    private static Finding reachability(CheckName check, Place place, Database database) {
        return ReachabilityCheck.judge(check, place, database, database.probe());
    }

    private record Planned(List<PlannedTable> tables, ReplicaRole replicaRole, Reversal reversal) {

        static final Planned NOTHING = new Planned(List.of(), ReplicaRole.ORIGIN, Reversal.NONE);
    }

    private Planned judged(MigrationSpec spec, List<Finding> findings) {
        try (Session from = source.database().session();
                Session to = target.database().session()) {
            Compilation compilation = new SpecCompiler(from, to).compile(spec);
            compilation.notes().forEach(note -> findings.add(excluded(note)));
            compilation.problems().forEach(problem -> findings.add(misconfigured(problem)));
            findings.addAll(InverseCheck.judge(compilation.tables()));
            findings.addAll(WayBackCheck.judge(compilation.back()));
            Facts facts =
                    new FactCollector(spec.migration(), from, to).collect(compilation.tables());
            Stream.of(
                            SourceServerChecks.ALL,
                            SourceTableChecks.ALL,
                            TargetChecks.ALL,
                            TargetPrivilegeChecks.ALL,
                            ConnectionChecks.of(
                                    reader(source), reader(target), spec.flow().stopWhen()),
                            SwitchoverChecks.ALL,
                            SwitchoverTableChecks.of(spec.switchover().fence()))
                    .flatMap(List::stream)
                    .forEach(check -> findings.addAll(check.judge(facts)));
            findings.addAll(EnvironmentChecks.judge(from, to, written(compilation.tables())));
            findings.addAll(TypeCheck.judge(from, to, compilation.tables()));
            findings.addAll(
                    CollationPrivilegeCheck.judge(
                            compilation,
                            facts.source().server().role().name(),
                            facts.target().server().role().name()));
            findings.addAll(TypePrivilegeCheck.judge(from, to, compilation));
            findings.addAll(capacity(spec, from, facts));
            findings.addAll(ConstraintCheck.judge(to, facts.targets()));
            findings.addAll(
                    new SessionSecurity(SessionSecurity.Side.SOURCE, from, spec.source().url())
                            .judge());
            findings.addAll(
                    new SessionSecurity(SessionSecurity.Side.TARGET, to, spec.target().url())
                            .judge());
            findings.addAll(SequenceCheck.judge(spec, from, to, compilation));
            List<Finding> logins =
                    ReconcileLogin.judge(
                            List.of(
                                    new ReconcileLogin(ReconcileLogin.Place.SOURCE, source, from),
                                    new ReconcileLogin(ReconcileLogin.Place.TARGET, target, to)),
                            facts.oneServer(),
                            facts.tables());
            findings.addAll(logins);
            if (logins.stream().allMatch(found -> found.status().passes())) {
                findings.addAll(queries(spec.queries()));
            }
            findings.addAll(
                    BackfillCheck.judge(
                            spec, from, facts.sources(), facts.source().server().role().name()));
            findings.addAll(
                    IndexCheck.judge(
                            spec.indexes(), to, facts.targetTables(), facts.target().server()));
            if (isKafkaReached(findings)) {
                findings.addAll(KafkaChecks.foreignRecords(spec, facts.target().begun()));
            }
            return new Planned(
                    planned(compilation.tables(), facts),
                    role(facts.target().maySetReplicaRole()),
                    reversal(compilation, facts));
        } catch (DatabaseFailure failure) {
            findings.add(
                    Finding.unreachable(
                            CheckName.CATALOG,
                            "source and target",
                            String.valueOf(failure.getMessage()),
                            Remedy.byHand(
                                    "Run plan again. If the failure persists, check the servers'"
                                            + " logs.")));
            return Planned.NOTHING;
        }
    }

    /// A problem of the file; its position is the object.
    private static Finding misconfigured(Problem problem) {
        return Finding.misconfigured(
                CheckName.MAPPING,
                problem.at().toString(),
                (problem.path().isEmpty() ? "" : problem.path() + ": ") + problem.message(),
                problem.remedy().isEmpty() ? Remedy.NONE : Remedy.byHand(problem.remedy()));
    }

    /// What a wildcard does not migrate.
    private static Finding excluded(Exclusion note) {
        return note.remedy().isEmpty()
                ? Finding.ok(CheckName.WILDCARD, note.object(), note.message())
                : Finding.warning(
                        CheckName.WILDCARD,
                        note.object(),
                        note.message(),
                        Remedy.of(Place.SOURCE, note.remedy()));
    }

    /// The log of a migration that has begun exists.
    private static List<Finding> capacity(MigrationSpec spec, Session source, Facts facts) {
        long read = facts.sourceTables().stream().mapToLong(TableFacts::bytes).sum();
        List<Finding> findings = new ArrayList<>();
        if (!facts.target().begun() && !facts.tables().isEmpty()) {
            findings.addAll(KafkaChecks.logSize(spec, read + written(facts)));
        }
        findings.addAll(
                WalHeadroom.judge(spec, source, facts.source().server().slotKeepBytes(), read));
        findings.addAll(
                RowSizeCheck.judge(source, facts.sourceRelations(), facts.source().tables()));
        return findings;
    }

    /// Each mapping writes the rows of its source table.
    private static long written(Facts facts) {
        return facts.tables().stream()
                .flatMap(
                        table ->
                                Stream.ofNullable(facts.source().tables().get(table.source().id())))
                .mapToLong(TableFacts::bytes)
                .sum();
    }

    private static Map<TableId, List<String>> written(List<CompiledTable> tables) {
        Map<TableId, List<String>> columns = new LinkedHashMap<>();
        tables.forEach(
                table ->
                        table.mapping()
                                .ifPresent(
                                        mapping ->
                                                columns.put(
                                                        mapping.target().table(),
                                                        mapping.target().columns())));
        return columns;
    }

    private static Optional<String> reader(Side side) {
        return side.comparesApart() ? Optional.of(side.compared().username()) : Optional.empty();
    }

    private List<Finding> queries(List<QueryPair> pairs) {
        List<Finding> findings = new ArrayList<>();
        for (QueryCheck.Problem problem :
                QueryCheck.problems(pairs, source.compared(), target.compared())) {
            Finding.Status status =
                    problem.refused() ? Finding.Status.REFUSED : Finding.Status.MISCONFIGURED;
            findings.add(
                    new Finding(
                            status,
                            CheckName.QUERIES,
                            problem.object(),
                            problem.message(),
                            Remedy.byHand(problem.remedy())));
        }
        if (findings.isEmpty() && !pairs.isEmpty()) {
            findings.add(
                    Finding.ok(
                            CheckName.QUERIES,
                            CheckName.QUERIES.id(),
                            "can be run on both sides, and only read"));
        }
        return findings;
    }

    private static ReplicaRole role(boolean maySetReplicaRole) {
        return maySetReplicaRole ? ReplicaRole.REPLICA : ReplicaRole.ORIGIN;
    }

    private static Reversal reversal(Compilation compilation, Facts facts) {
        Map<TableId, CapturedTable> captured = new LinkedHashMap<>();
        for (CompiledTable table : compilation.tables()) {
            Relation target = table.target();
            if (table.mapping().isPresent()) {
                captured.putIfAbsent(
                        target.id(),
                        new CapturedTable(
                                target, hasFullIdentity(facts.target().tables(), target.id())));
            }
        }
        return new Reversal(
                compilation.back(),
                List.copyOf(captured.values()),
                role(facts.switchover().sourceReplicaRole()));
    }

    private static boolean hasFullIdentity(Map<TableId, TableFacts> tables, TableId table) {
        return Optional.ofNullable(tables.get(table))
                .map(TableFacts::keys)
                .map(TableFacts.Keys::identity)
                .filter(TableFacts.ReplicaIdentity.FULL::equals)
                .isPresent();
    }

    private static List<PlannedTable> planned(List<CompiledTable> tables, Facts facts) {
        List<PlannedTable> planned = new ArrayList<>();
        for (CompiledTable table : tables) {
            boolean full = hasFullIdentity(facts.source().tables(), table.source().id());
            table.mapping()
                    .ifPresent(
                            mapping ->
                                    planned.add(
                                            new PlannedTable(
                                                    mapping,
                                                    table.source(),
                                                    table.target(),
                                                    full)));
        }
        return planned;
    }
}

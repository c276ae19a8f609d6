package dev.millrace.sequences;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.Grants.Side;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.sequences.SequencePlan.Finding;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.sequences.TargetSequences.Advance;
import dev.millrace.sequences.TargetSequences.Direction;
import dev.millrace.sequences.TargetSequences.SchemaPair;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// A source and a target with the tables of one test, and the mappings between them. Rows are
/// written to the target with their keys, as the applier writes them. The logins of Millrace have
/// what `grants` prints for the tables. Not thread-safe.
final class SequenceScene implements AutoCloseable {

    final TestDatabase source = PostgresServer.shared().newDatabase();
    final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Database fromDatabase = GrantedLogins.of(Side.SOURCE, source).database("shop");
    private final Database toDatabase = GrantedLogins.of(Side.TARGET, target).database("shop");
    private final List<Mapping> mappings = new ArrayList<>();
    private final List<SchemaPair> schemas = new ArrayList<>();
    private boolean isGranted;

    SequenceScene onSource(String... statements) {
        source.execute(statements);
        isGranted = false;
        return this;
    }

    SequenceScene onTarget(String... statements) {
        target.execute(statements);
        isGranted = false;
        return this;
    }

    SequenceScene onBoth(String... statements) {
        return onSource(statements).onTarget(statements);
    }

    /// Declares a target table, without a schema in `public`.
    SequenceScene table(String name, String select) {
        int dot = name.indexOf('.');
        TableId into =
                dot < 0
                        ? new TableId("public", name)
                        : new TableId(name.substring(0, dot), name.substring(dot + 1));
        grant();
        try (Session from = fromDatabase.session();
                Session to = toDatabase.session()) {
            SelectStatement statement =
                    switch (SelectParser.parse(select)) {
                        case ParseResult.Parsed(SelectStatement parsed) -> parsed;
                        case ParseResult.Refused(var problems) ->
                                throw new IllegalArgumentException(problems.toString());
                    };
            Relation of =
                    from.sourceCatalog()
                            .resolve(statement.schema(), statement.table())
                            .flatMap(from.sourceCatalog()::relation)
                            .orElseThrow();
            Relation table = to.targetCatalog().relation(into).orElseThrow();
            mappings.add(
                    switch (SelectCompiler.compile(
                            statement, of, table, table.key(), CaseMaps.none())) {
                        case CompileResult.Compiled(Mapping mapping, var _) -> mapping;
                        case CompileResult.Refused(var problems) ->
                                throw new IllegalArgumentException(problems.toString());
                    });
        }
        return this;
    }

    SequenceScene wildcard(String from, String to) {
        schemas.add(new SchemaPair(from, to));
        return this;
    }

    TargetSequences sequences() {
        grant();
        return new TargetSequences(fromDatabase, toDatabase, scope(), Duration.ofSeconds(10));
    }

    private void grant() {
        if (!isGranted) {
            Set<String> written = new TreeSet<>(Set.of("public"));
            mappings.forEach(mapping -> written.add(mapping.target().table().schema()));
            schemas.forEach(pair -> written.add(pair.target()));
            GrantedLogins.source(source);
            GrantedLogins.target(
                    target,
                    written.stream()
                            .map(schema -> Identifier.quote(schema) + ".*")
                            .toArray(String[]::new));
            isGranted = true;
        }
    }

    /// Does what `plan` says about sequences that belong to no column, which `grants` leaves out.
    void followRemedies() throws SQLException {
        for (Finding finding : readability()) {
            if (finding.blocks()) {
                follow(finding);
            }
        }
    }

    void follow(Finding finding) {
        (finding.object().endsWith("source") ? source : target).execute(finding.remedy());
    }

    TargetSequences sequences(Database from, Database to) {
        return new TargetSequences(from, to, scope(), Duration.ofSeconds(10));
    }

    List<Finding> readability() throws SQLException {
        grant();
        return readability(fromDatabase, toDatabase);
    }

    List<Finding> readability(Database from, Database to) throws SQLException {
        try (Session source = from.session();
                Session target = to.session()) {
            return TargetSequences.readability(scope(), source, target);
        }
    }

    private Scope scope() {
        return new Scope(Direction.FORWARD, mappings, schemas);
    }

    List<Move> advance(int margin) throws SQLException {
        return switch (sequences().advance(margin)) {
            case Advance.Done(List<Move> moves) -> moves;
            case Advance.Refused(List<Finding> findings) ->
                    throw new AssertionError(findings.toString());
        };
    }

    List<Finding> refused(int margin) throws SQLException {
        return switch (sequences().advance(margin)) {
            case Advance.Done(List<Move> moves) -> throw new AssertionError(moves.toString());
            case Advance.Refused(List<Finding> findings) -> findings;
        };
    }

    /// `last_value` and `is_called` of each sequence on the target, ordered by name.
    String positions() {
        return String.valueOf(
                target.value(
                        """
                        SELECT string_agg(schemaname || '.' || sequencename || ' '
                            || coalesce(last_value::text, '-'), ', '
                            ORDER BY schemaname, sequencename)
                        FROM pg_sequences"""));
    }

    @Override
    public void close() {
        fromDatabase.close();
        toDatabase.close();
    }
}

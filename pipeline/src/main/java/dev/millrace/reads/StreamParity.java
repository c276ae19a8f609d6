package dev.millrace.reads;

import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.mapping.Mapping;
import dev.millrace.parity.QueryReport;
import dev.millrace.parity.SchemaParity;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ShownValues;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.spec.SpecHash.Fingerprint;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/// Completes the report of a reconciliation with what else the application needs of the target: its
/// schema, and the results of the application's statements. Says afterwards what of it closes the
/// gate of the switchover. Thread-safe.
///
/// @param queries as the file declares them
/// @param hidesParameters whether a report has hashes instead of parameters, because columns of the
///   migration are sensitive: a SELECT does not say which column a parameter is from
public record StreamParity(
        ReplicationStream stream, List<QueryPair> queries, boolean hidesParameters) {

    private static final String PARAMETER = "parameter";

    public StreamParity {
        queries = List.copyOf(queries);
    }

    /// What a reconciliation runs with.
    public record Run(
            ReplicationProgress progress,
            Chunker chunker,
            Cancellation cancellation,
            InstantSource clock) {}

    /// The schema of the compared tables as it is now. The way back has none.
    public Optional<SchemaParity.Report> schemaOf(List<Mapping> compared) {
        return stream.direction() == Direction.REVERSE
                ? Optional.empty()
                : Optional.of(schema().report(stream.tables().mappings(), compared));
    }

    /// The report with the schema of the compared tables and, if all tables were compared, with the
    /// statements. The way back and a cancelled reconciliation have neither.
    ///
    /// @param schema gives the result of [#schemaOf]; not called if it is not needed
    public ReconciliationReport complete(
            ReconciliationReport report,
            Supplier<Optional<SchemaParity.Report>> schema,
            List<Mapping> compared,
            Run run) {
        if (stream.direction() == Direction.REVERSE || report.reason() != null) {
            return report;
        }
        List<Mapping> all = stream.tables().mappings();
        ReconciliationReport withSchema = schema.get().map(report::with).orElse(report);
        return queries.isEmpty() || compared.size() < all.size()
                ? withSchema
                : withSchema.withQueries(
                        shown(
                                new QueryParity(
                                                stream.source().compared(),
                                                stream.target().compared(),
                                                run.progress(),
                                                run.chunker(),
                                                new ChangeLog(stream.kafka(), stream.topics()),
                                                run.cancellation(),
                                                run.clock(),
                                                QueryComparison.Budget.STANDARD)
                                        .compare(queries)));
    }

    private List<QueryReport> shown(List<QueryReport> reports) {
        if (!hidesParameters) {
            return reports;
        }
        ShownValues shown = new HashKey().hiding(Set.of(PARAMETER));
        return reports.stream()
                .map(report -> report.withParameters(value -> shown.whole(PARAMETER, value)))
                .toList();
    }

    /// What the application would not find on the target as it is on the source, each with its
    /// remedy: the columns as they are now, and the statements as they were compared last.
    ///
    /// @param last the last report of all tables, or a later one that found differences
    /// @throws dev.millrace.postgres.Database.DatabaseFailure if a catalog cannot be read
    public List<String> problems(Optional<ReconciliationReport> last) {
        List<String> problems =
                new ArrayList<>(schema().lackingColumns(stream.tables().mappings()));
        for (QueryPair pair : queries) {
            String meaning = Fingerprint.of(pair.meaning());
            last.map(ReconciliationReport::queries)
                    .flatMap(
                            reports ->
                                    reports.stream()
                                            .filter(
                                                    report ->
                                                            Objects.equals(
                                                                    report.meaning(), meaning))
                                            .findFirst())
                    .map(QueryReport::problems)
                    .orElseGet(
                            () ->
                                    List.of(
                                            "Query %s was not compared. Run 'millrace reconcile'."
                                                    .formatted(pair.name())))
                    .forEach(problems::add);
        }
        return List.copyOf(problems);
    }

    /// Reads the positions of sequences, to which comparisons need no right.
    private SchemaParity schema() {
        return new SchemaParity(
                stream.source().database(),
                stream.target().database(),
                stream.source().comparesApart()
                        ? Set.of(stream.source().compared().username())
                        : Set.of());
    }
}

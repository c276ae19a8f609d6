package dev.millrace.postgres.select;

import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Proves on the source that Millrace and PostgreSQL parse a SELECT in the same way. The plans of
/// the user's text and of Millrace's fully parenthesised rendering must compute and filter the
/// same, and the columns must have the types that Millrace derived. Needs only the SELECT
/// privilege; reads no row. Not thread-safe; confined to the thread that owns the session.
public final class SelectProof {

    /// A change of statistics may change a plan; a different parse always does.
    private static final int ATTEMPTS = 3;

    private static final String ADD_PARENTHESES = "add parentheses to make the precedence explicit";

    private final Session source;
    private final Mapping mapping;
    private final SelectStatement statement;

    private SelectProof(Session source, Mapping mapping, SelectStatement statement) {
        this.source = source;
        this.mapping = mapping;
        this.statement = statement;
    }

    /// The differences; empty if the proof succeeds.
    ///
    /// @throws DatabaseFailure if the source cannot be queried
    public static List<Problem> problems(
            Session source, SelectStatement statement, Mapping mapping) {
        return new SelectProof(source, mapping, statement).problems();
    }

    private List<Problem> problems() {
        try {
            List<Problem> differences = planDifferences();
            for (int i = 1; i < ATTEMPTS && !differences.isEmpty(); i++) {
                differences = planDifferences();
            }
            return differences.isEmpty() ? typeDifferences() : differences;
        } catch (DatabaseFailure failure) {
            return switch (failure.kind()) {
                case UNDEFINED, REJECTED_VALUE, OTHER ->
                        List.of(
                                statement.problem(
                                        0,
                                        "PostgreSQL rejects this SELECT: " + failure.getMessage(),
                                        "correct the SELECT"));
                case UNREACHABLE,
                        BUSY,
                        LIMIT_REACHED,
                        LOGIN_REFUSED,
                        DATABASE_MISSING,
                        NO_PRIVILEGE,
                        RETRY,
                        IN_USE,
                        READ_ONLY,
                        EXHAUSTED,
                        NOT_CONFIGURED,
                        CANCELLED ->
                        throw failure;
            };
        }
    }

    private List<Problem> planDifferences() {
        SelectPlan users = SelectPlan.of(source, mapping.userText());
        SelectPlan ours = SelectPlan.of(source, mapping.rendered());
        if (users.equals(ours)) {
            return List.of();
        }
        List<Problem> problems = new ArrayList<>();
        int outputs = Math.min(users.outputs().size(), ours.outputs().size());
        for (int i = 0; i < outputs; i++) {
            String theirs = users.outputs().get(i);
            String mine = ours.outputs().get(i);
            if (!theirs.equals(mine)) {
                problems.add(statement.outputProblem(i, message(theirs, mine), ADD_PARENTHESES));
            }
        }
        if (!users.filters().equals(ours.filters())) {
            String theirs = String.join("; ", users.filters());
            String mine = String.join("; ", ours.filters());
            problems.add(statement.whereProblem(message(theirs, mine), ADD_PARENTHESES));
        }
        if (problems.isEmpty()) {
            problems.add(statement.problem(0, message(users.text(), ours.text()), ADD_PARENTHESES));
        }
        return problems;
    }

    private static String message(String theirs, String mine) {
        return "PostgreSQL parses this as " + theirs + ", Millrace parses it as " + mine;
    }

    private List<Problem> typeDifferences() {
        List<String> names = mapping.target().columns();
        String types =
                names.stream()
                        .map(
                                name ->
                                        "(SELECT t.typname FROM pg_catalog.pg_type t WHERE t.oid ="
                                                + " pg_catalog.pg_typeof(q."
                                                + Identifier.quote(name)
                                                + ")::oid)")
                        .collect(Collectors.joining(", "));
        List<@Nullable String> found =
                source.texts(
                                "SELECT "
                                        + types
                                        + " FROM (VALUES (1)) AS one LEFT JOIN ("
                                        + mapping.userText()
                                        + "\n) AS q ON false")
                        .getFirst();
        List<Problem> problems = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            SqlType ours = mapping.outputs().get(i);
            String theirs = String.valueOf(found.get(i));
            if (!theirs.equals(ours.name())) {
                problems.add(
                        statement.outputProblem(
                                i,
                                "PostgreSQL gives "
                                        + names.get(i)
                                        + " the type "
                                        + theirs
                                        + ", Millrace gives it "
                                        + ours.name(),
                                "add a CAST to the type of the target column"));
            }
        }
        return problems;
    }

    /// The plan of a SELECT as EXPLAIN prints it without costs.
    ///
    /// @param outputs the output columns of the topmost node that lists them
    /// @param filters all conditions of all nodes
    /// @param text the complete plan; equal texts are equal plans
    record SelectPlan(List<String> outputs, List<String> filters, String text) {

        private static final Set<String> CONDITIONS =
                Set.of("Filter", "Index Cond", "Recheck Cond", "One-Time Filter", "TID Cond");

        private static final JsonMapper JSON = JsonMapper.builder().build();

        static SelectPlan of(Session source, String select) {
            String text =
                    String.valueOf(
                            source.texts("EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) " + select)
                                    .getFirst()
                                    .getFirst());
            List<String> outputs = new ArrayList<>();
            List<String> filters = new ArrayList<>();
            collect(JSON.readTree(text), outputs, filters);
            return new SelectPlan(outputs, filters, text);
        }

        private static void collect(JsonNode node, List<String> outputs, List<String> filters) {
            node.forEachEntry(
                    (name, value) -> {
                        if (name.equals("Output") && outputs.isEmpty()) {
                            value.forEach(output -> outputs.add(output.asString()));
                        } else if (CONDITIONS.contains(name)) {
                            filters.add(value.asString());
                        }
                    });
            node.forEach(child -> collect(child, outputs, filters));
        }
    }
}

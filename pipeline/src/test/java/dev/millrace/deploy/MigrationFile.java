package dev.millrace.deploy;

import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// A mounted `millrace.yaml` and the variables that it reads.
///
/// @param where name for findings
record MigrationFile(String where, String text) {

    private static final Pattern VARIABLE =
            Pattern.compile("\\$\\{(?<name>\\w+)(?<standard>:[^}]*)?}");

    /// Variables by name, with whether the file gives a default.
    Map<String, Boolean> variables() {
        Map<String, Boolean> variables = new TreeMap<>();
        VARIABLE.matcher(text)
                .results()
                .forEach(
                        (MatchResult found) ->
                                variables.merge(
                                        found.group("name"),
                                        found.group("standard") != null,
                                        Boolean::logicalAnd));
        return variables;
    }

    /// Reads the file as the service does. Its problems become findings.
    Optional<SpecResult.Valid> read(Map<String, String> environment, Findings findings) {
        return switch (SpecReader.read(where, text, environment)) {
            case SpecResult.Invalid invalid -> {
                invalid.problems().forEach(problem -> findings.add(where, problem.toString()));
                yield Optional.empty();
            }
            case SpecResult.Valid valid -> Optional.of(valid);
        };
    }

    /// Requires that all needed variables are set and all set variables are used.
    void requireBound(Map<String, String> environment, Findings findings) {
        variables()
                .forEach(
                        (name, hasStandard) ->
                                findings.require(
                                        hasStandard || environment.containsKey(name),
                                        where,
                                        "variable not set: " + name));
        environment.keySet().stream()
                .filter(name -> !Served.ofProgram(name) && !variables().containsKey(name))
                .forEach(name -> findings.add(where, "unused variable " + name));
    }
}

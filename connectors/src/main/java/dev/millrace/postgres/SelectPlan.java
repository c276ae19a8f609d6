package dev.millrace.postgres;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The plan of a SELECT, as EXPLAIN tells it, without costs.
///
/// @param outputs what the topmost node that says so computes
/// @param filters every condition of every node
/// @param text the whole plan; equal texts are equal plans
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

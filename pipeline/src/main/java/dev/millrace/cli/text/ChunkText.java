package dev.millrace.cli.text;

import dev.millrace.change.Lsn;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Says between which positions of the source the chunks of a table were equal, all together. The
/// JSON output has the positions of each chunk. Pure.
public final class ChunkText {

    private ChunkText() {}

    /// @param table of a reconciliation report
    /// @return empty if the table was not compared in chunks
    public static Optional<String> line(JsonNode table) {
        JsonNode chunks = table.path("chunks");
        List<Lsn> after = positions(chunks, "after");
        List<Lsn> before = positions(chunks, "before");
        return after.isEmpty() || before.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        table.path("target").asString("")
                                + ": "
                                + Figures.count((long) chunks.size())
                                + (chunks.size() == 1 ? " chunk was" : " chunks were")
                                + " equal between source positions "
                                + Collections.min(after)
                                + " and "
                                + Collections.max(before));
    }

    private static List<Lsn> positions(JsonNode chunks, String field) {
        return chunks.valueStream()
                .map(chunk -> chunk.path(field))
                .filter(JsonNode::isString)
                .map(position -> Lsn.parse(position.asString()))
                .toList();
    }
}

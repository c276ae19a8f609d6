package dev.millrace.log;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/// Which entries an operator wants: all, those of one table (`schema.name`), those of one key (the
/// key's texts in key order). Watermarks and entries of other kinds without a table are taken only
/// when no table is asked for.
public record LogFilter(Optional<String> table, Optional<List<String>> key) {

    public static final LogFilter ALL = new LogFilter(Optional.empty(), Optional.empty());

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /// Reads a key as an operator writes it: a JSON array of texts and numbers, one per key column,
    /// or the columns' texts with commas between them. Only in the array may a text hold a comma.
    public static List<String> key(String written) {
        return array(written).orElseGet(() -> List.of(written.split(",", -1)));
    }

    private static Optional<List<String>> array(String written) {
        List<String> parts = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(written)) {
            if (parser.nextToken() != JsonToken.START_ARRAY) {
                return Optional.empty();
            }
            for (JsonToken next = parser.nextToken();
                    next != JsonToken.END_ARRAY;
                    next = parser.nextToken()) {
                if (next != JsonToken.VALUE_STRING && (next == null || !next.isNumeric())) {
                    return Optional.empty();
                }
                // Of a number this is the text as it is written.
                parts.add(parser.getString());
            }
            return parser.nextToken() == null && !parts.isEmpty()
                    ? Optional.of(parts)
                    : Optional.empty();
        } catch (JacksonException _) {
            return Optional.empty();
        }
    }

    boolean takes(LogEntry entry) {
        boolean ofTable = table.isEmpty() || table.get().equals(entry.table());
        boolean ofKey =
                key.isEmpty()
                        || entry.key() != null
                                && entry.key().values().stream()
                                        .map(String::valueOf)
                                        .toList()
                                        .equals(key.get());
        return ofTable && ofKey;
    }
}

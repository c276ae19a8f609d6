package dev.millrace.usage;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// What the statistics of a server count for some tables, at one moment. Only two of them together
/// say whether the tables were used. Immutable.
///
/// @param takenAt by the server's clock
/// @param tables scans by everybody
/// @param statements calls by others
public record UseStatistics(Instant takenAt, Counts tables, Counts statements) {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /// Counters that only increase while they live.
    ///
    /// @param missing why they cannot be read and what to do; `null` if they can
    /// @param life differs from an earlier one after a reset, a crash or a loss of entries
    /// @param counts by what is counted: the oid of a table, or a role and the identifier of its
    ///   statement
    public record Counts(@Nullable String missing, String life, Map<String, Long> counts) {

        public Counts {
            counts = Map.copyOf(counts);
        }

        static Counts missing(String why) {
            return new Counts(why, "", Map.of());
        }

        /// Whether both count the same life, and no counter was reset.
        boolean continues(Counts before) {
            return life.equals(before.life)
                    && before.counts.entrySet().stream()
                            .allMatch(
                                    known ->
                                            counts.getOrDefault(known.getKey(), -1L)
                                                    >= known.getValue());
        }

        /// What was added since, by what is counted.
        Map<String, Long> since(Counts before) {
            return counts.entrySet().stream()
                    .filter(now -> now.getValue() > before.counts.getOrDefault(now.getKey(), 0L))
                    .collect(
                            Collectors.toMap(
                                    Map.Entry::getKey,
                                    now ->
                                            now.getValue()
                                                    - before.counts.getOrDefault(
                                                            now.getKey(), 0L)));
        }
    }

    /// As [#parse] reads it.
    public String json() {
        return JSON.writeValueAsString(this);
    }

    public static UseStatistics parse(String json) {
        return Objects.requireNonNull(JSON.readValue(json, UseStatistics.class));
    }
}

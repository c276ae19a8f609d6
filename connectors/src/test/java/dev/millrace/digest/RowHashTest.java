package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.digest.RowHash.Cell;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RowHashTest {

    private static final Map<String, String> SAMPLES =
            Map.of("text", "UTF8 1", "int4", "2", "int8", "3");

    @Test
    void typeThatOneServerHashesInAnotherWayIsHashedAsText() {
        Map<String, String> other = new HashMap<>(SAMPLES);
        other.put("int8", "4");

        RowHash hash = RowHash.of(SAMPLES, other);

        assertThat(hash.cell("int4", "m.a", "m.a::text").elements()).isEqualTo("m.a");
        assertThat(hash.cell("int8", "m.a", "m.a::text").elements())
                .isEqualTo("(m.a::text) COLLATE \"C\"");
    }

    @Test
    void serversThatHashTextsInTwoWaysUseMd5() {
        Map<String, String> other = new HashMap<>(SAMPLES);
        other.put("text", "LATIN1 1");

        RowHash hash = RowHash.of(SAMPLES, other);

        Cell key = hash.cell("int4", "m.a", "m.a::text");
        Cell cell = hash.cell("int4", "m.b", "m.b::text");
        assertThat(key.elements()).isEqualTo("m.a::text");
        assertThat(hash.ofRow(List.of(key), List.of(key, cell)))
                .contains("md5")
                .contains("ROW(m.a::text, m.b::text)");
        assertThat(hash.ofKey(List.of(key))).contains("md5").contains("ROW(m.a::text)");
    }

    @Test
    void typeOfAnotherServerVersionIsHashedAsText() {
        RowHash hash = RowHash.of(Map.of("text", "1", "uuid", "2"), Map.of("text", "1"));

        assertThat(hash.cell("uuid", "m.u", "m.u::text").elements())
                .isEqualTo("(m.u::text) COLLATE \"C\"");
    }

    @Test
    void typeWhoseEqualityIsNotIdentityIsHashedAsText() {
        Map<String, String> samples = new HashMap<>(SAMPLES);
        List<String> types = List.of("float8", "float4", "bpchar", "interval", "jsonb");
        types.forEach(type -> samples.put(type, "equal on both servers"));

        RowHash hash = RowHash.of(samples, samples);

        assertThat(types)
                .allSatisfy(
                        type ->
                                assertThat(hash.cell(type, "v", "t").elements())
                                        .isEqualTo("(t) COLLATE \"C\""));
    }

    /// A hash of an integer with 64 bits would be the same for two keys.
    @Test
    void integerKeyIsTheSeedOfItsRow() {
        RowHash hash = RowHash.of(SAMPLES, SAMPLES);
        Cell key = hash.cell("int8", "k", "k::text");

        assertThat(hash.ofRow(List.of(key), List.of(key))).endsWith(", coalesce((k)::int8, 1))");
        assertThat(hash.ofRow(List.of(key, key), List.of(key)))
                .as("of several columns")
                .endsWith(
                        ", pg_catalog.hash_record_extended(ROW("
                                + "k, (k >> 32)::int4, k, (k >> 32)::int4), 1))");
    }
}

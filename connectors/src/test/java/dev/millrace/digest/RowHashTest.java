package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.digest.RowHash.Bytes;
import dev.millrace.digest.RowHash.Cell;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RowHashTest {

    private static final Map<String, String> SAMPLES =
            Map.of("text", "UTF8 1", "int4", "2", "int8", "3");

    private static RowHash of(Map<String, String> source, Map<String, String> target) {
        return new RowHash(RowHash.common(source, target), Bytes.FUNCTION);
    }

    @Test
    void typeThatOneServerHashesInAnotherWayIsHashedAsText() {
        Map<String, String> other = new HashMap<>(SAMPLES);
        other.put("int8", "4");

        RowHash hash = of(SAMPLES, other);

        assertThat(hash.cell("int4", "m.a", "m.a::text")).isEqualTo(new Cell("int4", "m.a"));
        assertThat(hash.cell("int8", "m.a", "m.a::text"))
                .isEqualTo(new Cell("text", "(m.a::text)"));
    }

    @Test
    void serversThatHashTextsInTwoWaysUseMd5() {
        Map<String, String> other = new HashMap<>(SAMPLES);
        other.put("text", "LATIN1 1");

        RowHash hash = of(SAMPLES, other);

        Cell key = hash.cell("int4", "m.a", "m.a::text");
        Cell cell = hash.cell("int4", "m.b", "m.b::text");
        assertThat(hash.ofRow(List.of(key, cell)))
                .contains("md5")
                .contains("ROW(m.a::text, m.b::text)");
        assertThat(hash.ofKey(List.of(key))).contains("md5").contains("ROW(m.a::text)");
    }

    @Test
    void typeOfAnotherServerVersionIsHashedAsText() {
        RowHash hash = of(Map.of("text", "1", "uuid", "2"), Map.of("text", "1"));

        assertThat(hash.cell("uuid", "m.u", "m.u::text"))
                .isEqualTo(new Cell("text", "(m.u::text)"));
    }

    @Test
    void typeWhoseEqualityIsNotIdentityIsHashedAsText() {
        Map<String, String> samples = new HashMap<>(SAMPLES);
        List<String> types = List.of("float8", "float4", "bpchar", "interval", "json");
        types.forEach(type -> samples.put(type, "equal on both servers"));

        RowHash hash = of(samples, samples);

        assertThat(types)
                .allSatisfy(
                        type ->
                                assertThat(hash.cell(type, "v", "t"))
                                        .isEqualTo(new Cell("text", "(t)")));
    }

    @Test
    void olderServerHashesBytesAsARecord() {
        List<Cell> cells = List.of(new Cell("bytea", "m.b"));

        assertThat(new RowHash(SAMPLES.keySet(), Bytes.of(18)).ofKey(cells))
                .isEqualTo("coalesce(pg_catalog.hashbyteaextended(m.b, 1), 0)");
        assertThat(new RowHash(SAMPLES.keySet(), Bytes.of(17)).ofKey(cells))
                .isEqualTo("coalesce(pg_catalog.hash_record_extended(ROW(m.b), 1), 0)");
    }
}

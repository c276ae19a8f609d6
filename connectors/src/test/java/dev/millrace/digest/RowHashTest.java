package dev.millrace.digest;

import static org.assertj.core.api.Assertions.assertThat;

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

        assertThat(hash.elements("int4", "m.a", "m.a::text")).isEqualTo("m.a");
        assertThat(hash.elements("int8", "m.a", "m.a::text"))
                .isEqualTo("(m.a::text) COLLATE \"C\"");
    }

    @Test
    void serversThatHashTextsInTwoWaysUseMd5() {
        Map<String, String> other = new HashMap<>(SAMPLES);
        other.put("text", "LATIN1 1");

        RowHash hash = RowHash.of(SAMPLES, other);

        assertThat(hash.elements("int4", "m.a", "m.a::text")).isEqualTo("m.a::text");
        assertThat(hash.ofRow(List.of("k"), List.of("k", "v")))
                .contains("md5")
                .contains("ROW(k, v)");
    }

    @Test
    void typeOfAnotherServerVersionIsHashedAsText() {
        RowHash hash = RowHash.of(Map.of("text", "1", "uuid", "2"), Map.of("text", "1"));

        assertThat(hash.elements("uuid", "m.u", "m.u::text"))
                .isEqualTo("(m.u::text) COLLATE \"C\"");
    }

    @Test
    void typeWhoseEqualityIsNotIdentityIsHashedAsText() {
        RowHash hash = RowHash.of(SAMPLES, SAMPLES);

        assertThat(List.of("numeric", "float8", "bpchar", "interval", ""))
                .allSatisfy(
                        type ->
                                assertThat(hash.elements(type, "v", "t"))
                                        .isEqualTo("(t) COLLATE \"C\""));
    }
}

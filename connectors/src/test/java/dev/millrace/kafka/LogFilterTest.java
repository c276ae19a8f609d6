package dev.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.millrace.kafka.ChangeLog.LogFilter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LogFilterTest {

    static Stream<Arguments> keys() {
        return Stream.of(
                arguments("7", List.of("7")),
                arguments("eu,7", List.of("eu", "7")),
                arguments(",", List.of("", "")),
                arguments("Smith, Ann", List.of("Smith", " Ann")),
                arguments("[\"Smith, Ann\"]", List.of("Smith, Ann")),
                arguments("[\"a,b\", 7]", List.of("a,b", "7")),
                arguments("[1.50]", List.of("1.50")),
                arguments("[\"[1,3)\"]", List.of("[1,3)")),
                arguments("[\"say \\\"so\\\"\"]", List.of("say \"so\"")),
                arguments("[1,3)", List.of("[1", "3)")),
                arguments("[draft]", List.of("[draft]")),
                arguments("[]", List.of("[]")),
                arguments("[null]", List.of("[null]")),
                arguments("[\"a\"] b", List.of("[\"a\"] b")),
                arguments("{\"id\":1}", List.of("{\"id\":1}")));
    }

    @ParameterizedTest
    @MethodSource("keys")
    void parsesKeyAsJsonArrayOrCommaSeparatedValues(String written, List<String> key) {
        assertThat(LogFilter.key(written)).isEqualTo(key);
    }
}

package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.deploy.PromQl.Series;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromQlTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    a                                                | a
                    a > 2e9                                          | a
                    absent(up{job="x"} == 1)                         | up
                    a > 0 and on (instance) rate(b_total[5m]) == 0   | a,b_total
                    sum by (x) (a > bool 0)                          | a
                    clamp_max(a / (b > 0), 1)                        | a,b
                    time() - a{b="c",d=~"e.f"}                       | a
                    """)
    void namesEverySeries(String expression, String metrics) {
        assertThat(PromQl.series(expression).stream().map(Series::metric))
                .containsExactly(metrics.split(","));
    }

    @ParameterizedTest
    @ValueSource(strings = {"rat(a[1m])", "a{b}", "{b=\"c\"}", "(a", "a)", "a ~ b", "sum by x (a)"})
    void refusesWhatItDoesNotUnderstand(String expression) {
        assertThatThrownBy(() -> PromQl.series(expression))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = "a{b=\"c\", d!~\"e\"}")
    void namesTheLabelsOfASeries(String expression) {
        assertThat(PromQl.series(expression).getFirst().labels()).isEqualTo(Set.of("b", "d"));
    }
}

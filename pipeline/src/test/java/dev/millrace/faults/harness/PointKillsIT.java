package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.FaultRun.Outcome;
import dev.millrace.lifecycle.PausePoint;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Kills a migration at named points while its source is written to. The seed is printed; `-Dseed=`
/// begins with another one, `-Druns=1` repeats it alone.
class PointKillsIT {

    private static final Logger LOG = LoggerFactory.getLogger(PointKillsIT.class);
    private static final long FIRST_SEED = 20_261_121;

    @Test
    void fourKillsLoseResurrectAndRepeatNothing() throws Exception {
        assertThat(FaultRun.violations(runs(1, 4))).isEmpty();
    }

    @Test
    @Tag("faults")
    void manyKillsLoseResurrectAndRepeatNothing() throws Exception {
        ChildClasses.share();
        List<Outcome> outcomes =
                runs(Integer.getInteger("runs", 52), Integer.getInteger("kills", 4));

        assertThat(FaultRun.violations(outcomes)).isEmpty();
    }

    private static List<Outcome> runs(int runs, int kills) throws Exception {
        long first = Long.getLong("seed", FIRST_SEED);
        List<Outcome> outcomes = new ArrayList<>();
        // Two at a time: a run often waits for a time, for example the interval of a commit.
        try (ExecutorService pool =
                Executors.newFixedThreadPool(Integer.getInteger("parallel", 2))) {
            List<Future<Outcome>> begun =
                    LongStream.range(first, first + runs)
                            .mapToObj(seed -> FaultPlan.of(seed, kills))
                            .map(plan -> pool.submit(() -> FaultRun.of(plan)))
                            .toList();
            for (Future<Outcome> each : begun) {
                outcomes.add(each.get());
            }
        }
        summarise(outcomes);
        assertThat(outcomes)
                .allSatisfy(each -> assertThat(each.kills()).as(each.toString()).isNotEmpty());
        return outcomes;
    }

    private static void summarise(List<Outcome> outcomes) {
        Map<PausePoint, Integer> hits = new EnumMap<>(PausePoint.class);
        for (Outcome outcome : outcomes) {
            outcome.kills().forEach(kill -> hits.merge(kill.point(), 1, Integer::sum));
        }
        LOG.info(
                "{} runs, {} kills at {} points {}, {} points not passed in time, {} transactions",
                outcomes.size(),
                hits.values().stream().mapToInt(Integer::intValue).sum(),
                hits.size(),
                hits,
                outcomes.stream().mapToInt(outcome -> outcome.missed().size()).sum(),
                outcomes.stream().mapToLong(Outcome::transactions).sum());
    }
}

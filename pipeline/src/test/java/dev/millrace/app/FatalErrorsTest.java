package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FatalErrorsTest {

    @ParameterizedTest
    @CsvSource({"true, 1", "false, 0"})
    void onlyAnErrorEndsTheProcess(boolean isError, int ends) throws InterruptedException {
        AtomicInteger ended = new AtomicInteger();
        Thread thread =
                new Thread(
                        () -> {
                            if (isError) {
                                throw new NoClassDefFoundError("dev/millrace/Removed");
                            }
                            throw new IllegalStateException("a failure");
                        });
        thread.setUncaughtExceptionHandler(new FatalErrors(ended::incrementAndGet));

        thread.start();
        thread.join();

        assertThat(ended).hasValue(ends);
    }
}

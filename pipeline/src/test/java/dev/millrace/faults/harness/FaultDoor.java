package dev.millrace.faults.harness;

import dev.millrace.faults.harness.PointFault.Act;
import dev.millrace.lifecycle.PausePoint;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/// The door of a child process: it carries out the fault that the system properties name, once.
public final class FaultDoor implements PausePoint.Door {

    /// The exit code of a child that ended at its point, as after SIGKILL.
    static final int HALTED = 137;

    /// Printed by a child that waits at its point.
    static final String REACHED = "AT THE POINT";

    static final String POINT = "fault.point";
    static final String PASSAGE = "fault.passage";
    static final String ACT = "fault.act";
    static final String ARMED = "fault.armed";

    private static final CountDownLatch RELEASED = new CountDownLatch(1);
    private static volatile boolean armed = Boolean.getBoolean(ARMED);

    private final Optional<PointFault> fault =
            Optional.ofNullable(System.getProperty(POINT))
                    .map(
                            point ->
                                    new PointFault(
                                            PausePoint.valueOf(point),
                                            Integer.getInteger(PASSAGE, 1),
                                            Act.valueOf(System.getProperty(ACT, Act.KILL.name())),
                                            !Boolean.getBoolean(ARMED)));
    private final AtomicInteger passages = new AtomicInteger();

    @Override
    public void pass(PausePoint point) {
        if (armed
                && fault.isPresent()
                && point == fault.get().point()
                && passages.incrementAndGet() == fault.get().passage()) {
            switch (fault.get().act()) {
                case KILL -> Runtime.getRuntime().halt(HALTED);
                case FREEZE, DELAY, TAKEOVER -> await();
            }
        }
    }

    private static void await() {
        System.out.println(REACHED);
        try {
            RELEASED.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// From now on passages count.
    static void arm() {
        armed = true;
    }

    /// Lets the thread that waits at the point continue.
    static void release() {
        RELEASED.countDown();
    }
}

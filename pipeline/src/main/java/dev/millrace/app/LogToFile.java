package dev.millrace.app;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.OutputStreamAppender;
import dev.millrace.demo.Demo.LogFile;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/// Redirects the log from the console to a file, in the same format. Not thread-safe.
final class LogToFile implements LogFile {

    private static final String CONSOLE = "CONSOLE";

    private final LoggerContext context;

    LogToFile() {
        this((LoggerContext) LoggerFactory.getILoggerFactory());
    }

    LogToFile(LoggerContext context) {
        this.context = context;
    }

    @Override
    public void open(Path file) {
        Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        if (!(root.getAppender(CONSOLE) instanceof OutputStreamAppender<ILoggingEvent> console)) {
            throw new IllegalStateException(
                    "logback.xml does not define the appender " + CONSOLE + ".");
        }
        FileAppender<ILoggingEvent> appender = new FileAppender<>();
        appender.setContext(context);
        appender.setName("FILE");
        appender.setFile(file.toString());
        appender.setEncoder(console.getEncoder());
        appender.start();
        root.addAppender(appender);
        root.detachAppender(console);
    }
}

package dev.millrace.kafka;

/// Kafka rejected a request or did not respond. The message names the request.
public final class BrokerException extends RuntimeException {

    public BrokerException(String message) {
        super(message);
    }

    public BrokerException(String message, Throwable cause) {
        super(message, cause);
    }
}

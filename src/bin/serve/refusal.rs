use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Cancelled;
use serde::Serialize;

/// A request that is not answered, in the shape of OpenAI's error object.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: ErrorObject,
    /// Seconds until it is worth asking again.
    retry_after: Option<u64>,
}

/// <https://platform.openai.com/docs/guides/error-codes>: all four keys are always there.
#[derive(Clone, Debug, Serialize)]
struct ErrorObject {
    message: String,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<String>,
    code: Option<&'static str>,
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            error: ErrorObject { message: message.into(), kind, param: None, code: None },
            retry_after: None,
        }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.error.code = Some(code);
        self
    }

    fn param(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }

    /// The request as a whole makes no sense.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message)
    }

    /// One field makes no sense.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::malformed(message).param(param).code("invalid_value")
    }

    /// One field asks for something this server would have to ignore.
    pub(crate) fn unsupported(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::malformed(format!("{param} is not supported by this server"))
            .param(param)
            .code("unsupported_parameter")
    }

    pub(crate) fn unknown_model(id: &str) -> Self {
        let message = format!("the model {id:?} is not served here");
        Self::new(StatusCode::NOT_FOUND, INVALID, message).param("model").code("model_not_found")
    }

    pub(crate) fn no_model(task: &str) -> Self {
        let message = format!("no model for {task} is served here");
        Self::new(StatusCode::NOT_FOUND, INVALID, message).param("model").code("model_not_found")
    }

    pub(crate) fn wrong_model(id: &str, task: &str) -> Self {
        Self::invalid("model", format!("the model {id:?} does not do {task}"))
    }

    pub(crate) fn unknown_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, "there is nothing at this path").code("not_found")
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "this path does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID, message).code("method_not_allowed")
    }

    pub(crate) fn wrong_key() -> Self {
        let message = "a valid key is required: Authorization: Bearer KEY";
        Self::new(StatusCode::UNAUTHORIZED, INVALID, message).code("invalid_api_key")
    }

    pub(crate) fn wrong_host() -> Self {
        let message = "this Host is not served here";
        Self::new(StatusCode::FORBIDDEN, INVALID, message).code("host_not_allowed")
    }

    pub(crate) fn not_json() -> Self {
        let message = "Content-Type must be application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID, message).code("not_json")
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("the request body exceeds {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID, message).code("request_too_large")
    }

    pub(crate) fn slow_body() -> Self {
        let message = "the request body did not arrive in time";
        Self::new(StatusCode::REQUEST_TIMEOUT, INVALID, message).code("request_timeout")
    }

    pub(crate) fn busy() -> Self {
        let message = "the queue of this model is full";
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, SERVER, message).code("queue_full");
        Self { retry_after: Some(1), ..refusal }
    }

    /// Models in use take the memory that another one needs.
    pub(crate) fn no_memory() -> Self {
        let message = "other models are in use and take the memory that this one needs";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, message).code("no_memory");
        Self { retry_after: Some(5), ..refusal }
    }

    /// A member has used up what it may use of `what`.
    pub(crate) fn too_many(what: &str, retry_after: u64) -> Self {
        let message = format!("too many {what} for this key");
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", message);
        Self { retry_after: Some(retry_after), ..refusal.code("rate_limit_exceeded") }
    }

    /// Another server, which was to answer, did not.
    pub(crate) fn upstream(message: &str) -> Self {
        let refusal = Self::new(StatusCode::BAD_GATEWAY, SERVER, message).code("upstream_failed");
        Self { retry_after: Some(5), ..refusal }
    }

    /// A request that servers hand to each other.
    pub(crate) fn going_round(message: &str) -> Self {
        Self::new(StatusCode::LOOP_DETECTED, SERVER, message).code("loop_detected")
    }

    pub(crate) fn stopping() -> Self {
        let message = "the server is stopping";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, SERVER, message).code("stopping");
        Self { retry_after: Some(1), ..refusal }
    }

    pub(crate) fn timeout() -> Self {
        let message = "the request took longer than this server allows";
        Self::new(StatusCode::GATEWAY_TIMEOUT, SERVER, message).code("timeout")
    }

    pub(crate) fn engine(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, SERVER, message).code("engine_error")
    }

    /// The error object alone, as it goes into a stream that has already begun.
    pub(crate) fn body(&self) -> serde_json::Value {
        serde_json::json!({ "error": self.error })
    }
}

impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::TooLong { needed, context } => Self::malformed(format!(
                "this model's maximum context length is {context} tokens, but the request needs \
                 {needed}, input and output together"
            ))
            .code("context_length_exceeded"),
            engine::Error::Constraint(reason) => Self::invalid("response_format", reason),
            engine::Error::Cancelled(Cancelled::Stopping) => Self::stopping(),
            engine::Error::Cancelled(Cancelled::Timeout) => Self::timeout(),
            other => Self::engine(format!("the engine failed: {other}")),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of the body is not read: the connection cannot be used again.
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

//! A bare axum handler: it parses the same alert and answers a constant body of the same size, and does nothing else.

use std::hint::black_box;
use std::io;
use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::header;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use langdeck_shared::AlertRequest;
use tokio::net::TcpListener;

/// Serves until the process ends, on the agent's kind of runtime.
#[tokio::main]
pub(crate) async fn serve(address: SocketAddr, answer_bytes: usize) -> io::Result<()> {
    let text = "x".repeat(answer_bytes.saturating_sub(2));
    let body = Bytes::from(format!("\"{text}\""));
    let investigate = async move |Json(alert): Json<AlertRequest>| {
        black_box(alert);
        ([(header::CONTENT_TYPE, "application/json")], body)
    };
    let router = Router::new().route("/investigate", post(investigate)).route("/health", get("\"healthy\""));
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // The agent's connections have it too.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await
}

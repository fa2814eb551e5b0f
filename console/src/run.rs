//! The loop of the console: await one thing, take the messages that came with it, draw once.
//!
//! It waits for keys, messages of the network tasks, signals and, only while something on the screen changes with time,
//! the clock. It never waits for a socket, and holds nothing that a network task could wait for.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use futures_util::StreamExt;
use ratatui::Frame;
use ratatui::layout::Position;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::alarm::Alarm;
use crate::app::{App, AppOptions, Effect, Gesture, Message, Pace};
use crate::crash::{self, Guard, Task};
use crate::net::{BaseUrl, Client, PollOptions, Submitter, spawn_poller};
use crate::signals::{self, Heard, Signals};
use crate::terminal::{self, Screen};
use crate::view::theme::{ColorDepth, Theme};
use crate::view::{self, Texts};

/// The shortest time from frame to frame: about sixty a second, and a key is still on the screen at once.
const FRAME: Duration = Duration::from_millis(16);

/// The most messages that are folded in before a frame is drawn, so that a flood cannot hold the screen still.
const BATCH: usize = 256;

/// How many messages may wait for the loop; then the network tasks wait.
const QUEUE: usize = 64;

/// What to open the console on.
#[derive(Debug)]
pub struct ConsoleOptions {
    /// The agents to ask.
    pub sources: Vec<BaseUrl>,
    /// Whether they run in this process.
    pub demo: bool,
    /// Whether to draw with ASCII characters only.
    pub ascii: bool,
}

/// What the loop drives.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// Folds a message into the state, as [`App::update`].
    pub update: fn(&mut App, Message, Instant) -> Vec<Effect>,
    /// Draws the state, as [`view::draw`].
    pub draw: fn(&App, &mut Frame<'_>, &Theme, &Texts, Instant) -> usize,
}

impl Default for Parts {
    fn default() -> Self {
        Self { update: App::update, draw: view::draw }
    }
}

/// How the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A person wished it.
    Quit,
    /// A signal wished it, by its number.
    Signal(u8),
    /// The terminal is gone.
    Hangup,
}

/// Opens the console, which asks the agents at the given pace, and runs it to its end. The terminal is as it was when this returns.
///
/// # Errors
///
/// When the terminal does not let itself be set up.
pub async fn run(client: Client, options: ConsoleOptions, poll: PollOptions, parts: Parts) -> io::Result<Ending> {
    let depth = ColorDepth::detect(|name| std::env::var(name).ok());
    let theme = Theme::new(depth, options.ascii);
    let mut signals = Signals::listen()?;
    let (messages, inbox) = mpsc::channel(QUEUE);
    let (pace, paces) = watch::channel(Pace::Busy);
    let sources: Arc<[BaseUrl]> = options.sources.into();
    // The first questions are on their way while the terminal is being set up.
    let runtime = Handle::current();
    spawn_poller(&runtime, client.clone(), Arc::clone(&sources), paces, messages.clone(), poll);

    let app_options = AppOptions { sources: sources.iter().map(ToString::to_string).collect(), demo: options.demo };
    let mut console = Console {
        app: App::new(app_options, fastrand::u64(..), Instant::now()),
        screen: Screen::enter(depth != ColorDepth::None)?,
        parts,
        update_guard: Guard::default(),
        draw_guard: Guard::default(),
        undrawable: false,
        theme,
        texts: Texts::default(),
        submitter: Submitter::new(client, sources, messages, runtime),
        inbox,
        pace,
        needs_draw: true,
        last_frame: None,
        last_tick: Instant::now(),
        panics: 0,
    };
    match console.run(&mut signals).await {
        // Its window was closed; which of this and the signal comes first is chance.
        Err(error) if terminal::is_gone(&error) => Ok(Ending::Hangup),
        ended => ended,
    }
}

/// What goes on after a message.
enum Then {
    GoOn,
    Suspend,
    End,
}

struct Console {
    app: App,
    screen: Screen,
    parts: Parts,
    update_guard: Guard,
    draw_guard: Guard,
    /// Whether the last frame panicked. The next is drawn when a person does something: time alone mends nothing.
    undrawable: bool,
    theme: Theme,
    texts: Texts,
    submitter: Submitter,
    inbox: mpsc::Receiver<Message>,
    pace: watch::Sender<Pace>,
    needs_draw: bool,
    last_frame: Option<Instant>,
    last_tick: Instant,
    /// How many panics the app has been told of.
    panics: usize,
}

impl Console {
    async fn run(&mut self, signals: &mut Signals) -> io::Result<Ending> {
        let mut events = EventStream::new();
        let mut alarm = Alarm::new();
        loop {
            self.draw_if_due()?;
            let wake = self.wake();
            let message = tokio::select! {
                event = events.next() => match event {
                    Some(Ok(event)) => self.translate(event),
                    Some(Err(_)) | None => return Ok(Ending::Hangup),
                },
                message = self.inbox.recv() => message,
                heard = signals.next() => match heard {
                    Heard::End(number) => return Ok(Ending::Signal(number)),
                    Heard::Continued => match self.take_back(signals).await? {
                        Some(number) => return Ok(Ending::Signal(number)),
                        None => Some(Message::Resized),
                    },
                },
                () = crash::panicked() => self.next_panic(),
                () = alarm.until(wake) => self.tick(),
            };
            let mut next = message;
            for _ in 0..BATCH {
                if let Some(message) = next {
                    match self.fold(message)? {
                        Then::GoOn => {}
                        Then::Suspend => {
                            if let Some(number) = self.suspend(signals).await? {
                                return Ok(Ending::Signal(number));
                            }
                        }
                        Then::End => return Ok(Ending::Quit),
                    }
                }
                if let Some(panicked) = self.next_panic() {
                    next = Some(panicked);
                    continue;
                }
                // Only messages are drained so: an event stream that is asked without being waited for keeps to the
                // waker of that question, and the next key would wake nobody.
                next = match self.inbox.try_recv() {
                    Ok(message) => Some(message),
                    Err(_) => break,
                };
            }
        }
    }

    /// Folds one message into the state, and carries out what the state asks for.
    fn fold(&mut self, message: Message) -> io::Result<Then> {
        crash::note(message.name());
        let by_hand = matches!(message, Message::Key(_) | Message::Pointed(..) | Message::Paste(_) | Message::Resized);
        self.undrawable &= !by_hand;
        let (update, app, now) = (self.parts.update, &mut self.app, Instant::now());
        let effects = match message {
            // What tells of a panic must not count as a message that went well.
            Message::Panicked(_) => Some(update(app, message, now)),
            message => self.update_guard.run(Task::Update, || update(app, message, now)),
        };
        let mut then = Then::GoOn;
        for effect in effects.unwrap_or_default() {
            match effect {
                Effect::Fire { place, alert, idempotency_key } => {
                    self.submitter.fire(place, alert, idempotency_key);
                }
                Effect::Burst(order) => self.submitter.begin_burst(*order),
                Effect::RedirectBurst(places) => self.submitter.redirect_burst(places),
                Effect::StopBurst => self.submitter.stop_burst(),
                Effect::FetchDetail { source, id } => self.submitter.fetch_detail(source, id),
                Effect::FetchCosts(source) => self.submitter.fetch_costs(source),
                Effect::Suspend => then = Then::Suspend,
                Effect::Repaint => {
                    self.screen.repaint();
                    self.needs_draw = true;
                }
                Effect::Quit => return Ok(Then::End),
            }
        }
        let pace = self.app.pace(Instant::now());
        self.pace.send_if_modified(|known| std::mem::replace(known, pace) != pace);
        Ok(then)
    }

    fn draw_if_due(&mut self) -> io::Result<()> {
        if self.undrawable {
            return Ok(());
        }
        self.needs_draw |= self.app.take_dirty();
        let now = Instant::now();
        if !self.needs_draw || self.last_frame.is_some_and(|last| now < last + FRAME) {
            return Ok(());
        }
        let Self { app, screen, theme, texts, .. } = self;
        let (draw, mut beyond) = (self.parts.draw, 0);
        let frame = || screen.draw(|frame| beyond = draw(app, frame, theme, texts, now));
        match self.draw_guard.run(Task::Drawing, frame) {
            Some(drawn) => drawn?,
            None => self.draw_instead()?,
        }
        // Only who has drawn it knows how long the text is.
        self.app.limit_scroll(beyond);
        self.needs_draw = false;
        self.last_frame = Some(now);
        Ok(())
    }

    /// After a panic in the middle of a frame: says so in place of it.
    fn draw_instead(&mut self) -> io::Result<()> {
        self.undrawable = true;
        self.screen.start_over();
        let panic = crash::all().pop();
        self.screen.draw(|frame| view::draw_instead(panic.as_ref(), frame, &self.theme))
    }

    /// When the clock alone makes something happen: a frame that waits for its turn, or a screen that changes with time.
    fn wake(&self) -> Option<Instant> {
        if self.needs_draw {
            return Some(self.last_frame.map_or_else(Instant::now, |last| last + FRAME));
        }
        // Counted from the last frame, not from now: otherwise every message would put the clock off.
        let since = self.last_frame.map_or(self.last_tick, |frame| frame.max(self.last_tick));
        self.app.next_tick(since).map(|tick| tick.max(since + FRAME))
    }

    /// Time has passed: the app is told, unless only a frame waits for its turn.
    fn tick(&mut self) -> Option<Message> {
        if self.needs_draw {
            return None;
        }
        self.last_tick = Instant::now();
        Some(Message::Tick)
    }

    /// The next panic that the app has not been told of.
    fn next_panic(&mut self) -> Option<Message> {
        let panic = crash::nth(self.panics)?;
        self.panics += 1;
        Some(Message::Panicked(panic))
    }

    /// Leaves the terminal to the shell until it gives it back; the number of a signal that ends the console meanwhile.
    async fn suspend(&mut self, signals: &mut Signals) -> io::Result<Option<u8>> {
        terminal::leave();
        signals::stop(signals).await;
        let ended = self.take_back(signals).await?;
        // The terminal may have another size than before.
        self.fold(Message::Resized).map(|_| ended)
    }

    /// Takes the terminal over again, as soon as it is this job's.
    async fn take_back(&mut self, signals: &mut Signals) -> io::Result<Option<u8>> {
        let ended = signals::foreground(signals).await;
        if ended.is_none() {
            self.screen.reenter()?;
            self.needs_draw = true;
        }
        Ok(ended)
    }

    /// What an event means to the app; none where it means nothing.
    fn translate(&self, event: Event) -> Option<Message> {
        match event {
            // Some terminals tell of releases too.
            Event::Key(key) => (key.kind != KeyEventKind::Release).then_some(Message::Key(key)),
            Event::Mouse(mouse) => self.pointed(mouse),
            Event::Paste(text) => Some(Message::Paste(text)),
            Event::Resize(..) => Some(Message::Resized),
            Event::FocusGained | Event::FocusLost => None,
        }
    }

    fn pointed(&self, mouse: MouseEvent) -> Option<Message> {
        let gesture = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Gesture::Press,
            MouseEventKind::ScrollUp => Gesture::WheelUp,
            MouseEventKind::ScrollDown => Gesture::WheelDown,
            _ => return None,
        };
        let at = Position::new(mouse.column, mouse.row);
        Some(Message::Pointed(gesture, view::target(&self.app, self.screen.area(), at)))
    }
}

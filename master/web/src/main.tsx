import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/views.css';
import './styles/waterfall.css';
import './styles/forms.css';
import './styles/log.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { startNavigation } from './navigation.ts';
import { startStore } from './store/index.ts';
import { startShortcuts } from './ui/shortcuts.ts';

const root = document.getElementById('app');
if (root === null) throw new Error('index.html has no element with id "app"');
startNavigation();
startShortcuts();
startStore();
render(<App />, root);

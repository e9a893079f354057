import {createRoot} from 'react-dom/client';

import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/page.css';
import {App} from './app';
import {startTheme} from './theme';

startTheme();
createRoot(document.getElementById('root')!).render(<App />);
